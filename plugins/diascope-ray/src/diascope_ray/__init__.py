"""Carry a run of diascope out on a Ray cluster."""
