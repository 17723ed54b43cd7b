"""Suites that others published, through the engine of the `matching` package."""
