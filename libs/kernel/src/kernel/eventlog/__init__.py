"""The event log: one ordered, append-only, tamper-evident sequence behind a small port."""
