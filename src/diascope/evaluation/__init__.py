"""Evaluate a model on a labelled table: metrics with intervals, subgroups, figures, one page."""
