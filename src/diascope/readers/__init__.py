"""Stock readers."""
