"""Whole slides for diascope: a reader of tiles, and reports over the whole."""
