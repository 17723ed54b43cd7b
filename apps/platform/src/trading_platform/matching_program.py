"""The matching core's own program for conformance and speed: built from the checkout by cargo, as fast as it gets."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

NO_PROGRAM = 3
PACKAGE = "matching-bench"
CHECKOUT = Path(__file__).resolve().parents[4]


told = Console(stderr=True, highlight=False)


class NotRunnable(Exception):
    """What is missing, and what to do."""


def run_or_tell(arguments: Sequence[str], as_json: bool) -> int:
    """The exit code of the program; 3, and what to do on standard error, where it cannot run."""
    try:
        return run([*arguments, "--json"] if as_json else arguments)
    except NotRunnable as error:
        told.print(str(error), style="red", markup=False, soft_wrap=True)
        return NO_PROGRAM


def run(arguments: Sequence[str], checkout: Path = CHECKOUT) -> int:
    """Build it if something changed, run it with our output, and return its exit code. NotRunnable without a checkout
    or cargo, or when it cannot be built."""
    manifest = checkout / "crates" / PACKAGE / "Cargo.toml"
    if not manifest.is_file():
        raise NotRunnable(
            f"no checkout of the project: expected {manifest}. This command builds the core's program from its source:"
            " clone the repository and run it there"
        )
    cargo = shutil.which("cargo")
    if cargo is None:
        raise NotRunnable("cargo is not on PATH: install Rust from https://rustup.rs and try again")
    common = ("--quiet", "--release", "--locked", "--manifest-path", str(manifest))
    if subprocess.run((cargo, "build", *common), check=False).returncode != 0:
        raise NotRunnable(f"cargo could not build {PACKAGE}: what it said stands above")
    return subprocess.run((cargo, "run", *common, "--", *arguments), check=False).returncode
