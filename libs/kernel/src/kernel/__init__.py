"""What every service stands on: money, ids, events, the log, projections, the runtime."""
