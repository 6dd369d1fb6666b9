"""Preprocessing steps that come with diascope, one per file."""
