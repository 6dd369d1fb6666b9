"""DICOM results for diascope, and DICOMweb in and out."""
