"""The composition root and the trading command."""
