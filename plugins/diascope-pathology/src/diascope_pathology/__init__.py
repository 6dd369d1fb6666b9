"""Pathology for diascope."""
