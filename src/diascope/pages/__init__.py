"""Self-contained HTML pages: their templates, styles, scripts and formatting."""
