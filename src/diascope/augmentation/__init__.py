"""Stock augmentations, one per file: random effects of cameras, scanners and archives."""
