"""Stock models."""
