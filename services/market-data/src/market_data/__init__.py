"""Books, trades, bars and the clock, as a fold of the log."""
