"""The `trading` command, also as `python -m trading_platform`."""

import os

# gRPC reads this when it is imported. A child of this program is another program at once: what gRPC does at a fork, and
# says on standard error, is of no use.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

from trading_platform.cli import app

if __name__ == "__main__":
    app()
