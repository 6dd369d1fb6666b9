"""What a labelled table says of a model: metrics with intervals, subgroups, figures, one page."""
