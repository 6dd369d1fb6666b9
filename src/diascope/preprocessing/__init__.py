"""Stock preprocessing steps, one operation a file."""
