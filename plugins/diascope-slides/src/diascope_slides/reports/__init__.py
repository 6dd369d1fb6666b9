"""Reports of slides: heat maps, GeoJSON, a table of tiles, and a viewer. One a file."""
