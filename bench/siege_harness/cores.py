"""Which processors belong to whom."""

import os
import time
from pathlib import Path

from harness.process import on_cores

COUNT = os.cpu_count() or 1
# The node under siege has one for itself, where there are two; live clients, and hostile ones behind them, the rest.
NODE = "0"
OTHERS = f"1-{COUNT - 1}"

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def node():
    return on_cores(NODE)


def others():
    return on_cores(OTHERS)


def processor_seconds(process_id):
    """What a process has used, with its children that ended; nothing of one that is gone."""
    try:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND


def machine_seconds():
    """What all processes of the machine have used."""
    user, nice, system, _, _, interrupts, soft_interrupts, *_ = (
        int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + interrupts + soft_interrupts) / TICKS_PER_SECOND


class Usage:
    """Cores used by processes since it was made."""

    def __init__(self, process_ids):
        self.process_ids = process_ids
        self.begin = time.monotonic()
        self.before = self.now()

    def now(self):
        used = {name: processor_seconds(number) for name, number in self.process_ids.items()}
        return used | {"all": machine_seconds()}

    def cores(self):
        elapsed = max(0.001, time.monotonic() - self.begin)
        return {name: max(0, seconds - self.before[name]) / elapsed for name, seconds in self.now().items()}
