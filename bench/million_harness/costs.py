"""What processes and the kernel cost: processor time, memory, sockets."""

import os
import re
import time
from pathlib import Path

TICKS_PER_SECOND = 100


def text(path):
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def seconds(processes):
    """Processor time by process; of all its threads, to the nanosecond."""
    return {process: process_seconds(process) for process in processes}


def process_seconds(process):
    total = 0
    try:
        threads = os.listdir(f"/proc/{process}/task")
    except OSError:
        return 0.0
    for thread in threads:
        fields = text(f"/proc/{process}/task/{thread}/schedstat").split()
        total += int(fields[0]) if fields else 0
    return total / 1e9


def spent(before, after):
    """Between two of `seconds`: a process that is new counts whole, one that has ended not at all."""
    return sum(max(0.0, value - before.get(process, 0.0)) for process, value in after.items())


def machine_seconds():
    fields = [int(field) for field in text("/proc/stat").splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS_PER_SECOND


def proportional_bytes(process):
    found = re.search(r"^Pss:\s+(\d+)", text(f"/proc/{process}/smaps_rollup"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def memory():
    """What the machine has, in bytes."""
    fields = dict(line.split(":") for line in text("/proc/meminfo").splitlines())
    kinds = ["MemTotal", "MemAvailable", "MemFree", "Slab", "SUnreclaim", "KernelStack", "PageTables", "Percpu"]
    return {kind: int(fields[kind].split()[0]) * 1024 for kind in kinds if kind in fields}


def sockets():
    """TCP sockets that are open, and the pages of their buffers in bytes."""
    found = re.search(r"^TCP: inuse (\d+) .* mem (\d+)", text("/proc/net/sockstat"), re.MULTILINE)
    return {"open": int(found[1]), "buffer_bytes": int(found[2]) * 4096} if found else {}


class Moment:
    """Processor time of each part, at one moment."""

    def __init__(self, parts):
        self.parts = {name: seconds(processes) for name, processes in parts.items()}
        self.machine = machine_seconds()
        self.time = time.monotonic()

    def until(self, later):
        """What each part has used since then, and all others together, in seconds."""
        found = {name: spent(self.parts.get(name, {}), later.parts[name]) for name in later.parts}
        found["machine"] = later.machine - self.machine
        found["others"] = max(0.0, found["machine"] - sum(found[name] for name in later.parts))
        found["elapsed"] = later.time - self.time
        return found
