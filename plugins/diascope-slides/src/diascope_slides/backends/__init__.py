"""Backends that open slides, one per library; each implements ``Slide``."""
