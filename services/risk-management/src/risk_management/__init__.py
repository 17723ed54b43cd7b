"""Limit policies, positions and exposure."""
