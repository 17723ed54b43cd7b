"""The `trading` command, also as `python -m trading_platform`."""

import os
import sys

from trading_platform.streams import OUTPUT_LOST, is_lost, take_over

# gRPC reads this when it is imported. A child of this program is another program at once: what gRPC does at a fork, and
# says on standard error, is of no use.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

INTERRUPTED = 130


def app() -> None:
    """Run the command that was asked for, and end with its exit code."""
    try:
        take_over()
        from trading_platform.cli import app as command  # here, as it takes a second in which people interrupt

        command()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except SystemExit as ended:
        sys.exit(OUTPUT_LOST if is_lost() else ended.code)


if __name__ == "__main__":
    app()
