"""Dermatology for diascope."""
