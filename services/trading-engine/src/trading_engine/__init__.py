"""The sequencer and single writer: orders, trades, cash and positions."""
