"""What the kernel counts of a process: its memory and its time on a core (proc(5))."""

import os
from pathlib import Path


def status_of(pid: int) -> dict[str, int]:
    """The numbers of /proc/<pid>/status by name; memory in KiB."""
    numbers = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, text = line.partition(":")
        words = text.split()
        if words and words[0].isdigit():
            numbers[name] = int(words[0])
    return numbers


def cpu_us(pid: int) -> int:
    """Microseconds that all threads of the process have spent on a core, in steps of a clock tick (10 ms)."""
    # The second field, the command's name, may hold anything but ends with the last parenthesis.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return ticks * 1_000_000 // os.sysconf("SC_CLK_TCK")


class Costs:
    """Time on a core, from now on, of a platform and of the load that this process makes."""

    def __init__(self, platform: int) -> None:
        self._platform = platform
        self._began = (cpu_us(platform), cpu_us(os.getpid()))

    def per_order(self, orders: int) -> dict[str, int]:
        """What an order took, which says more than a rate where other programs take their share of the cores."""
        platform_us = cpu_us(self._platform) - self._began[0]
        load_us = cpu_us(os.getpid()) - self._began[1]
        return {"platform_cpu_us": platform_us // max(orders, 1), "load_cpu_us": load_us // max(orders, 1)}
