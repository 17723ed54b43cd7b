"""Many seeds of the simulated platform, and the bugs that it must find when they are planted.

TRADING_SIMULATION_SEEDS says how many seeds, TRADING_SIMULATION_FIRST_SEED the first; docs/concepts/simulation.md.
"""

import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.simulation.planted import PLANTS
from tests.simulation.scenario import Plant, Story, tell

SAMPLE_SEEDS = 40
SOAK_SEEDS = 5_000
PLANT_SEEDS = 15
GROUPS = 8
TOLD_MAX = 10

FIRST = int(os.environ.get("TRADING_SIMULATION_FIRST_SEED", "0"))
COUNT = int(os.environ.get("TRADING_SIMULATION_SEEDS", "0"))

AGAIN = (
    "TRADING_SIMULATION_FIRST_SEED={seed} TRADING_SIMULATION_SEEDS=1 "
    ".venv/bin/python -m pytest -q 'tests/simulation/test_simulation.py' -k sample"
)
# What a sample of seeds must have met, or it tests less than it seems to.
MET = (
    *("OrderCreated", "OrderExecuted", "TradeExecuted", "OrderCanceled", "OrderReplaced", "OrderRejected"),
    *("OrderCancelRejected", "LimitsChanged", "SessionChanged", "OrderExpired"),
)


def failure(story: Story) -> str:
    told = "\n  ".join(story.wrong[:TOLD_MAX])
    more = len(story.wrong) - TOLD_MAX
    rest = f"\n  and {more} more" if more > 0 else ""
    return f"seed {story.seed} violates:\n  {told}{rest}\nAlone: {AGAIN.format(seed=story.seed)}"


def play(first: int, count: int) -> Counter[str]:
    """Every seed of a range; fails with all that are wrong, and how to run each alone."""
    met: Counter[str] = Counter()
    failures = []
    for seed in range(first, first + count):
        story = tell(seed)
        met.update(story.counted)
        met["crashes"] += story.crashes
        if story.wrong:
            failures.append(failure(story))
    assert not failures, "\n\n".join(failures)
    return met


def test_a_sample_of_seeds_keeps_every_promise():
    count = COUNT or SAMPLE_SEEDS
    met = play(FIRST, count)
    if count >= SAMPLE_SEEDS:
        assert not [what for what in (*MET, "crashes") if not met[what]], met


@pytest.mark.soak
@pytest.mark.parametrize("group", range(GROUPS))
def test_thousands_of_seeds_keep_every_promise(group):
    each = (COUNT or SOAK_SEEDS) // GROUPS
    play(FIRST + group * each, each)


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_found_within_the_sample(name):
    for seed in range(PLANT_SEEDS):
        story = tell(seed, PLANTS[name])
        if story.wrong:
            print(f"{name}: seed {seed}: {story.wrong[0]}")
            return
    pytest.fail(f"{PLANT_SEEDS} seeds did not notice that {name}")


def test_a_seed_tells_the_same_story_again_and_another_seed_another():
    stories = [tell(seed) for seed in (3, 3, 4)]
    first, again, other = [(story.log_hash, story.fingerprint, story.events, story.turns) for story in stories]
    assert first == again
    assert first[0] != other[0] and first[1] != other[1]


def test_a_seed_tells_the_same_story_in_another_process():
    """Neither the order of sets nor anything else that a process draws for itself changes a story."""
    program = "from tests.simulation.scenario import tell; story = tell(5); print(story.log_hash, story.fingerprint)"
    told = set()
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        told.add(run.stdout)
    assert len(told) == 1


def test_a_failing_seed_says_what_it_violates_and_how_to_run_it_alone():
    story = tell(0, PLANTS["deduplication is dropped"])
    told = failure(story)
    assert told.startswith("seed 0 violates:\n  ")
    assert "TRADING_SIMULATION_FIRST_SEED=0 TRADING_SIMULATION_SEEDS=1" in told
    assert tell(0, Plant()).wrong == []
