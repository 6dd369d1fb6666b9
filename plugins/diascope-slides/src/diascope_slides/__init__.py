"""Whole-slide images for diascope: a reader that cuts slides into tiles, and reports on slides."""
