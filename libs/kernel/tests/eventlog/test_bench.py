"""The measurement runs; what it measures is for people to read, not for a test to time."""

import asyncio

from kernel.eventlog.bench import measure
from kernel.runtime import SystemRuntime


def test_every_case_is_announced_and_measured(tmp_path):
    runtime = SystemRuntime()
    announced = []
    measured = asyncio.run(measure(runtime, tmp_path, 0.05, announced.append))
    runtime.close()
    assert [each.case for each in measured] == announced and len(set(announced)) == 5
    assert all(each.value > 0 and each.unit == "events/s" for each in measured)
    appends, reads = measured[:3], measured[3:]
    assert {each.events for each in reads} == {sum(each.events for each in appends)}
    assert all(each.p50_ms <= each.p99_ms <= each.max_ms for each in appends)
