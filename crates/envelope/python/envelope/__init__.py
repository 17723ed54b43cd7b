"""The event envelope in native code; `kernel.event` defines it."""

from envelope._native import chain, plain_size

__all__ = ["chain", "plain_size"]
