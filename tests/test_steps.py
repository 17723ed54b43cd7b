"""What runs the checks and tests: it runs all of them, tells which failed, and cannot be held up."""

import sys
import time

import pytest

from tools.steps import RAN_TESTS, ROOT, Step, run_all, soak

GOOD = Step("good", [sys.executable, "-c", "print('fine')"])
BAD = Step("bad", [sys.executable, "-c", "import sys; print('the reason'); sys.exit(3)"])
MISSING = Step("missing", ["no-such-program-anywhere"])
SLOW = Step("slow", [sys.executable, "-c", "import time; time.sleep(600)"], minutes=0)
RAN = Step("ran", [sys.executable, "-c", "print('test result: ok. 12 passed; 0 failed')"], says=RAN_TESTS)
RAN_NONE = Step("ran-none", [sys.executable, "-c", "print('test result: ok. 0 passed; 7 filtered')"], says=RAN_TESTS)
# Leaves a child behind that holds the output open.
LEFT = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
LEAVES_A_CHILD = Step("leaves-a-child", [sys.executable, "-c", LEFT])


@pytest.mark.parametrize(
    ("sentence", "steps", "failed"),
    [
        ("all good", [GOOD, GOOD], []),
        ("one bad, and the next still runs", [BAD, GOOD], ["bad"]),
        ("a program that is not there", [MISSING], ["missing"]),
        ("one that takes too long", [SLOW], ["slow"]),
        ("tests that ran", [RAN], []),
        ("a filter that matches no test", [RAN_NONE, GOOD], ["ran-none"]),
        ("one that leaves a child running", [LEAVES_A_CHILD], []),
    ],
)
@pytest.mark.parametrize("suite", ["check", "test"])
def test_a_suite(tmp_path, capfdbinary, suite, sentence, steps, failed):
    started = time.monotonic()
    code = run_all(suite, steps, tmp_path)
    told = capfdbinary.readouterr().out.decode()
    assert code == (1 if failed else 0), sentence
    for name in failed:
        assert f"{name}: run `make {suite} ONLY={name}`" in told
    failures = tmp_path / f"{suite}.failed"
    assert failures.exists() == bool(failed)
    assert ("the reason" in told) == ("bad" in failed)
    assert time.monotonic() - started < 60


def test_continuous_integration_runs_both_suites_and_sums_up():
    script = (ROOT / ".ci" / "run").read_text()
    assert "for suite in check test" in script
    assert 'make "$suite" || failed+=' in script


def test_every_command_is_listed_with_a_line():
    lines = (ROOT / "Makefile").read_text().splitlines()
    commands = {line.split()[-1] for line in lines if line.startswith(".PHONY:")}
    described = {line.split(":", 1)[0] for line in lines if " ## " in line and ":" in line}
    assert commands <= described
    assert {"run", "test", "check", "soak", "generate", "bench", "screenshots", "clean"} <= described


def test_the_soak_of_the_core_runs_a_test_that_exists():
    for step in soak():
        if step.command[0] == "cargo":
            target, name = step.command[step.command.index("--test") + 1 :]
            module = ROOT / "crates" / "matching" / "tests" / target / f"{name.rstrip(':')}.rs"
            assert "#[test]" in module.read_text(), step


def test_the_soak_takes_any_seed_and_ten_million_random_commands():
    runs = [step.environment for step in soak(seed=40) if step.command[0] == "cargo"]
    assert [run["MATCHING_SEED"] for run in runs] == ["40", "41", "42", "43"]
    assert sum(int(run["MATCHING_COMMANDS"]) for run in runs) == 10_000_000


def test_every_long_test_must_say_that_it_ran():
    assert {step.says for step in soak()} == {RAN_TESTS}
