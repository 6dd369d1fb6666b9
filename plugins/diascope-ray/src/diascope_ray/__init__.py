"""Run diascope on a Ray cluster."""
