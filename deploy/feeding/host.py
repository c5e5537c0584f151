"""What this machine is doing, as /proc tells it."""

import itertools
import time

from feeding.publisher import milliseconds_now, say

CORES_MAX = 256
INTERFACES_MAX = 32


class Metrics:
    """Reads /proc. What is a rate there is a difference to the reading before."""

    def __init__(self):
        self.cpu_before = self._cpu_times()
        self.network_before = self._network_bytes()
        self.network_time = time.monotonic()

    def read(self):
        """All channels with their values. One that cannot be read here is left out."""
        for channel, read in (
            ("host/cpu", self.cpu),
            ("host/memory", self.memory),
            ("host/load", self.load),
            ("host/network", self.network),
        ):
            try:
                yield channel, {"time": milliseconds_now(), **read()}
            except (OSError, ValueError, KeyError, IndexError) as error:
                say(f"cannot read {channel}: {error}")

    def cpu(self):
        before, now = self.cpu_before, self._cpu_times()
        self.cpu_before = now
        cores = [core for core in now if core != "cpu"][:CORES_MAX]
        return {
            "busy": percent_busy(before.get("cpu"), now["cpu"]),
            "cores": [percent_busy(before.get(core), now[core]) for core in cores],
        }

    def memory(self):
        sizes = {}
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                name, value = line.split(":", 1)
                sizes[name] = int(value.split()[0]) * 1024
        total, available = sizes["MemTotal"], sizes["MemAvailable"]
        used = total - available
        return {"total": total, "used": used, "available": available, "percent": round(100 * used / total, 1)}

    def load(self):
        with open("/proc/loadavg", encoding="ascii") as file:
            one, five, fifteen, processes, _ = file.read().split()
        running, total = processes.split("/")
        return {
            "load1": float(one),
            "load5": float(five),
            "load15": float(fifteen),
            "running": int(running),
            "total": int(total),
        }

    def network(self):
        """Bytes per second. The total leaves out the loopback, unless there is nothing else."""
        before, now, clock = self.network_before, self._network_bytes(), time.monotonic()
        seconds = max(clock - self.network_time, 0.001)
        self.network_before, self.network_time = now, clock
        rates = {
            name: [max(round((after - was) / seconds), 0) for after, was in zip(now[name], before[name])]
            for name in now
            if name in before
        }
        outside = [name for name in rates if name != "lo"] or list(rates)
        busiest = sorted(rates, key=lambda name: sum(now[name]), reverse=True)[:INTERFACES_MAX]
        return {
            "in": sum(rates[name][0] for name in outside),
            "out": sum(rates[name][1] for name in outside),
            "interfaces": {name: {"in": rates[name][0], "out": rates[name][1]} for name in busiest},
        }

    @staticmethod
    def _cpu_times():
        """Ticks that were idle and ticks altogether: of all cores ("cpu"), and of each."""
        times = {}
        with open("/proc/stat", encoding="ascii") as file:
            for line in file:
                if not line.startswith("cpu"):
                    break
                name, *fields = line.split()
                ticks = [int(field) for field in fields[:8]]  # the guests' ticks after these are counted in them
                times[name] = (ticks[3] + ticks[4], sum(ticks))
        return times

    @staticmethod
    def _network_bytes():
        counters = {}
        with open("/proc/net/dev", encoding="ascii") as file:
            for line in itertools.islice(file, 2, None):
                name, fields = line.split(":", 1)
                columns = fields.split()
                counters[name.strip()] = (int(columns[0]), int(columns[8]))
        return counters


def percent_busy(before, now):
    if before is None:
        return 0.0
    idle, total = now[0] - before[0], now[1] - before[1]
    return round(min(max(100 * (1 - idle / total), 0.0), 100.0), 1) if total > 0 else 0.0
