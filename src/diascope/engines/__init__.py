"""Engines that execute networks."""
