"""A disk that fails by the seed: commits that are lost, that are kept though nobody learns it, that take long."""

from collections.abc import Sequence

from kernel.event import Event
from kernel.eventlog.port import LogFailed
from kernel.simulation.runtime import Simulation


class SeededCommitFaults:
    """kernel.eventlog.memory.CommitFaults. lost and unknown: of 1,000 commits; both can be changed at any time."""

    def __init__(self, simulation: Simulation, lost: int = 0, unknown: int = 0) -> None:
        self._simulation = simulation
        self.lost = lost
        self.unknown = unknown

    async def before_commit(self, events: Sequence[Event]) -> None:
        await self._simulation.delay()
        if self._simulation.chance.randrange(1000) < self.lost:
            raise LogFailed("simulated: the commit is lost")

    async def after_commit(self, events: Sequence[Event]) -> None:
        self._simulation.loop.note("commit", events[-1].position, events[-1].hash)
        await self._simulation.delay()
        if self._simulation.chance.randrange(1000) < self.unknown:
            raise LogFailed("simulated: the commit's outcome is unknown")
