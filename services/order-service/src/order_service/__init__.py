"""Order commands and queries."""
