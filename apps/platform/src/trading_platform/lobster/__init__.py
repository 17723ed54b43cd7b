"""Replaying a LOBSTER day: real NASDAQ messages through the platform, compared with the real book row by row."""
