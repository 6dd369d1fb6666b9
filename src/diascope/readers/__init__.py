"""Readers that come with diascope."""
