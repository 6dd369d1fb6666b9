"""Train a classifier from a table of labelled pictures."""
