"""Find, or install, the Chromium that the browser tests drive; write how to start it to .cache/browser/chromium.json.

In this order: TRADING_CHROMIUM, a Chromium on the path, Debian's package when we are root and apt-get is here, and else
the build that npm carries with its libraries (tools/browser), unpacked into .cache. Quick the second time.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "browser"
FOUND = FOLDER / "chromium.json"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
# The package's own list also switches web security off, which would hide faults of ours: these are all that it needs.
SHELL_ARGUMENTS = ["--headless=shell", "--no-zygote", "--use-gl=angle", "--use-angle=swiftshader"]
UNPACK = """
import chromium from "@sparticuz/chromium";
const executable = await chromium.executablePath();
console.log(JSON.stringify({ executable, libraries: process.env.LD_LIBRARY_PATH ?? "" }));
"""


class Launch(TypedDict):
    """What a test passes on: the program, its arguments, and variables to add to its environment."""

    executable: str
    arguments: list[str]
    environment: dict[str, str]


class NoChromium(Exception):
    """Says what was tried."""


def main() -> int:
    try:
        launch = kept() or found() or from_debian() or from_npm()
    except NoChromium as error:
        print(error, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    FOUND.write_text(json.dumps(launch, indent=2) + "\n")
    print(f"browser: {launch['executable']}")
    return 0


def kept() -> Launch | None:
    """What an earlier run found, unless the caller names another or it is gone."""
    if "TRADING_CHROMIUM" in os.environ or not FOUND.exists():
        return None
    launch: Launch = json.loads(FOUND.read_text())
    return launch if Path(launch["executable"]).exists() else None


def found() -> Launch | None:
    named = os.environ.get("TRADING_CHROMIUM")
    if named is not None:
        launch: Launch = {"executable": named, "arguments": ARGUMENTS, "environment": {}}
        if not starts(launch):
            raise NoChromium(f"TRADING_CHROMIUM={named} does not answer --version")
        return launch
    for name in NAMES:
        path = shutil.which(name)
        if path is None:
            continue
        launch = {"executable": path, "arguments": ARGUMENTS, "environment": {}}
        if starts(launch):
            return launch
    return None


def from_debian() -> Launch | None:
    """Debian's package; None when we may not install it, or it cannot be had."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"]
    for command in (["apt-get", "update", "-qq"], install):
        if subprocess.run(
            command, check=False, env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr
        ).returncode:
            return None
    return found()


def from_npm() -> Launch:
    for name in ("package.json", "package-lock.json"):
        FOLDER.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / "tools" / "browser" / name, FOLDER / name)
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER, check=True, stdout=sys.stderr
    )
    unpacked = FOLDER / "unpacked"
    unpacked.mkdir(exist_ok=True)
    # The package carries its shared libraries for one hosted environment, and unpacks them when told it is there.
    environment = os.environ | {"TMPDIR": str(unpacked), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    command = ["node", "--input-type=module", "--eval", UNPACK]
    answer = subprocess.run(command, cwd=FOLDER, env=environment, check=True, capture_output=True, text=True)
    told = json.loads(answer.stdout.splitlines()[-1])
    launch: Launch = {
        "executable": told["executable"],
        "arguments": [*ARGUMENTS, *SHELL_ARGUMENTS],
        "environment": {"LD_LIBRARY_PATH": told["libraries"]},
    }
    if not starts(launch):
        raise NoChromium(f"no Chromium on the path, none from apt-get, and {told['executable']} does not start")
    return launch


def starts(launch: Launch) -> bool:
    environment = os.environ | launch["environment"]
    command = [launch["executable"], "--no-sandbox", "--version"]
    try:
        answer = subprocess.run(command, check=False, env=environment, capture_output=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
