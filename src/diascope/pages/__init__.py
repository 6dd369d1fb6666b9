"""Pages in one file each that need neither network nor script: their templates, style and words."""
