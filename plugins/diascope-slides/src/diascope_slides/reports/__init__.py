"""Reports on slides: heat maps, GeoJSON, a table of tiles, and a viewer; one per file."""
