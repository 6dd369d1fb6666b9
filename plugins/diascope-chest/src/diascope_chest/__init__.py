"""Chest radiographs for diascope."""
