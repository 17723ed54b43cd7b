"""What every event of the log passes on its way in: checked, and chained."""

from envelope._native import chain, plain_size

__all__ = ["chain", "plain_size"]
