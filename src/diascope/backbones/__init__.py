"""Stock backbones, shared by every domain."""
