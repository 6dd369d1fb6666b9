"""One file for each library that opens slides; each is a ``Slide``."""
