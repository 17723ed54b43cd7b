"""The event envelope in native code; `kernel.event` defines it."""
