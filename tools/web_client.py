"""Check that the web terminal's client is what contracts/openapi.yaml generates; exit 1, naming the files, if not."""

import filecmp
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "frontends" / "web"
CONFIG = WEB / "ng-openapi-gen.json"


def main() -> int:
    checked_in = WEB / str(json.loads(CONFIG.read_text())["output"])
    # Inside the web folder, so that the generator finds the same formatter settings.
    with tempfile.TemporaryDirectory(dir=WEB, prefix=".client-") as folder:
        generate(Path(folder))
        found = differences(Path(folder), checked_in)
    for name in found:
        print(
            f"{checked_in.relative_to(ROOT) / name} is not what contracts/openapi.yaml generates: run `make generate`"
        )
    return 1 if found else 0


def generate(folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # node stands beside the interpreter
    command = ["npx", "--no-install", "ng-openapi-gen", "--config", CONFIG.name, "--output", str(folder)]
    subprocess.run(command, cwd=WEB, check=True, env={**os.environ, "PATH": path}, stdout=subprocess.DEVNULL)


def differences(new: Path, old: Path) -> list[Path]:
    names = {path.relative_to(base) for base in (new, old) for path in base.rglob("*") if path.is_file()}
    same = filecmp.cmpfiles(new, old, [str(name) for name in sorted(names)], shallow=False)[0]
    return sorted(names - {Path(name) for name in same})


if __name__ == "__main__":
    sys.exit(main())
