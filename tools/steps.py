"""Run the named steps of `make check`, `make test` or `make soak`, all of them even if one fails, and say which failed.

`python tools/steps.py check` runs a suite, `... check mypy clippy` some of its steps. Output also goes to
.cache/steps/<suite>-<step>.log; what failed, with how to run it alone, to .cache/steps/<suite>.failed. Exit code 1 if
any step failed.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".cache" / "steps"
BIN = ROOT / ".venv" / "bin"
WEB = ROOT / "frontends" / "web"
TYPED = ("libs/*/src", "services/*/src", "apps/*/src", "crates/*/python")
TIMED_OUT = 124
SAID_NOTHING = -1000  # no process ends so
RANDOM_TEST_COMMANDS = 1_000_000
SOAK_RUNS = 4
SOAK_COMMANDS = 2_500_000  # of each run
RAN_TESTS = r"\b[1-9][0-9]* passed"


class Step(NamedTuple):
    """One command of a suite. minutes: it is killed, and has failed, when it takes longer. says: what its output must
    hold, a regular expression; a filter that matches no test any more passes else."""

    name: str
    command: list[str]
    folder: Path = ROOT
    minutes: int = 10
    environment: Mapping[str, str] = MappingProxyType({})
    says: str = ""


def typed_folders() -> list[str]:
    return [str(path.relative_to(ROOT)) for pattern in TYPED for path in sorted(ROOT.glob(pattern))]


def python(*arguments: str) -> list[str]:
    return [str(BIN / "python"), *arguments]


def tool(name: str, *arguments: str) -> list[str]:
    return [str(BIN / name), *arguments]


def check() -> list[Step]:
    return [
        Step("ruff-format", tool("ruff", "format", "--check")),
        Step("ruff", tool("ruff", "check")),
        Step("mypy", tool("mypy", "--strict", *typed_folders(), "tools")),
        Step("import-contracts", tool("lint-imports", "--no-cache")),
        Step("tidy", python("-m", "pytest", "-q", "tests/test_tidy.py")),
        Step("contracts", python("-m", "pytest", "-q", "tests/test_contracts.py")),
        Step("cargo-fmt", ["cargo", "fmt", "--all", "--check"]),
        Step("clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        Step("web", tool("npm", "run", "check"), WEB),
        Step("web-client", python("tools/web_client.py")),
    ]


def test() -> list[Step]:
    return [
        Step("pytest", python("-m", "pytest", "-m", "not soak"), minutes=30),
        Step("cargo-test", ["cargo", "test", "--workspace", "--locked"], minutes=20),
        random_commands("matching-random", 1, RANDOM_TEST_COMMANDS, minutes=20),
        Step("web-test", tool("npm", "test"), WEB),
    ]


def soak(seed: int = 1) -> list[Step]:
    """The runs of random commands have this seed and those after it."""
    return [
        Step("pytest", python("-m", "pytest", "-m", "soak"), minutes=600, says=RAN_TESTS),
        *(random_commands(f"matching-{s}", s, SOAK_COMMANDS, minutes=300) for s in range(seed, seed + SOAK_RUNS)),
    ]


def random_commands(name: str, seed: int, commands: int, minutes: int) -> Step:
    """The core against its oracle, in a profile that is fast and still checks every overflow."""
    command = ["cargo", "test", "--profile", "soak", "--locked", "-p", "matching", "--test", "core", "random::"]
    environment = {"MATCHING_SEED": str(seed), "MATCHING_COMMANDS": str(commands)}
    return Step(name, command, minutes=minutes, environment=environment, says=RAN_TESTS)


SUITES: dict[str, Callable[[], list[Step]]] = {"check": check, "test": test, "soak": soak}
QUIET = {"check"}  # their output matters only when they fail


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", choices=sorted(SUITES))
    parser.add_argument("only", nargs="*", help="names of steps; all when none is given")
    parser.add_argument("--seed", type=int, default=1, help="of the soak's random commands")
    options = parser.parse_args()
    steps = soak(options.seed) if options.suite == "soak" else SUITES[options.suite]()
    unknown = set(options.only) - {step.name for step in steps}
    if unknown:
        parser.error(f"no step {', '.join(sorted(unknown))}; there are {', '.join(step.name for step in steps)}")
    chosen = [step for step in steps if not options.only or step.name in options.only]
    LOGS.mkdir(parents=True, exist_ok=True)
    return run_all(options.suite, chosen, LOGS)


def run_all(suite: str, steps: list[Step], logs: Path) -> int:
    """Run every step, also after one has failed; then tell which failed. The exit code."""
    failures = logs / f"{suite}.failed"
    failures.unlink(missing_ok=True)
    failed = [step for step in steps if not passes(suite, step, logs)]
    if not failed:
        print(f"make {suite}: all {len(steps)} steps passed")
        return 0
    lines = [f"  {step.name}: run `make {suite} ONLY={step.name}`" for step in failed]
    failures.write_text("\n".join(lines) + "\n")
    print(f"make {suite}: {len(failed)} of {len(steps)} steps FAILED", *lines, sep="\n", flush=True)
    return 1


def passes(suite: str, step: Step, logs: Path) -> bool:
    """Run one step; print its line, and its output as it comes (or, for a quiet suite, when it failed)."""
    log = logs / f"{suite}-{step.name}.log"
    quiet = suite in QUIET
    if not quiet:
        print(f"--- {step.name}: {' '.join(step.command)}", flush=True)
    started = time.monotonic()
    code = run(step, log, echo=not quiet)
    if code == 0 and not re.search(step.says, log.read_text(errors="replace")):
        code = SAID_NOTHING
    seconds = time.monotonic() - started
    outcome = "ok" if code == 0 else f"FAILED ({told(code, step)})"
    if quiet and code != 0:
        print(f"--- {step.name}: {' '.join(step.command)}", log.read_text(errors="replace"), sep="\n")
    print(f"{step.name:<18} {outcome} in {seconds:.1f} s", flush=True)
    return code == 0


def run(step: Step, log: Path, echo: bool) -> int:
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, **step.environment}
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(
                step.command,
                cwd=step.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            file.write(f"{step.command[0]} did not start: {error}\n".encode())
            return 127
        # A thread copies, so that a child which outlives the step and keeps the pipe open cannot hold us up.
        copier = threading.Thread(target=copy, args=(process, file, echo), daemon=True)
        copier.start()
        try:
            return process.wait(step.minutes * 60)
        except subprocess.TimeoutExpired:
            return TIMED_OUT
        finally:
            kill(process)
            copier.join(10)


def copy(process: "subprocess.Popen[bytes]", file: BinaryIO, echo: bool) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        file.write(line)
        if echo:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End the step and whatever it left running: it has a process group of its own."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def told(code: int, step: Step) -> str:
    if code == TIMED_OUT:
        return f"killed after {step.minutes} minutes"
    if code == SAID_NOTHING:
        return f"its output holds nothing like {step.says}"
    return f"exit code {code}"


if __name__ == "__main__":
    sys.exit(main())
