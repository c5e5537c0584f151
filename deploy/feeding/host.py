"""What this machine is doing, as /proc tells it, once a second."""

import time

from feeding.publisher import milliseconds_now, say

PAUSE_SECONDS = 1
CORES_MAX = 256


class Host:
    """Reads /proc. What is a rate there is a difference to the reading before."""

    def __init__(self):
        self.ticks = self.ticks_of_cores()
        self.bytes = self.bytes_in_and_out()
        self.time = time.monotonic()

    def readings(self):
        """By channel. One that cannot be read here is left out."""
        for read in (self.cpu, self.memory, self.load, self.network):
            channel = f"host/{read.__name__}"
            try:
                yield channel, {"time": milliseconds_now(), **read()}
            except (OSError, ValueError, KeyError, IndexError) as error:
                say(f"cannot read {channel}: {error}")

    def cpu(self):
        before, self.ticks = self.ticks, self.ticks_of_cores()
        busy, *cores = [percent_busy(*pair) for pair in zip(before, self.ticks)]
        return {"busy": busy, "cores": cores[:CORES_MAX]}

    def memory(self):
        with open("/proc/meminfo", encoding="ascii") as file:
            sizes = {name: int(value.split()[0]) * 1024 for name, value in (line.split(":") for line in file)}
        total, used = sizes["MemTotal"], sizes["MemTotal"] - sizes["MemAvailable"]
        return {"total": total, "used": used, "percent": round(100 * used / total, 1)}

    def load(self):
        with open("/proc/loadavg", encoding="ascii") as file:
            one, five, fifteen = file.read().split()[:3]
        return {"load1": float(one), "load5": float(five), "load15": float(fifteen)}

    def network(self):
        """Bytes a second. The loopback counts only if there is nothing else."""
        before, now, seconds = self.bytes, self.bytes_in_and_out(), max(time.monotonic() - self.time, 0.001)
        self.bytes, self.time = now, time.monotonic()
        return {name: max(round((after - was) / seconds), 0) for name, was, after in zip(("in", "out"), before, now)}

    @staticmethod
    def ticks_of_cores():
        """Ticks that were idle and all ticks: of the whole machine first, then of each core."""
        with open("/proc/stat", encoding="ascii") as file:
            rows = [line.split()[1:9] for line in file if line.startswith("cpu")]  # those of guests, behind them, are counted in them
        return [(int(row[3]) + int(row[4]), sum(map(int, row))) for row in rows]

    @staticmethod
    def bytes_in_and_out():
        with open("/proc/net/dev", encoding="ascii") as file:
            rows = [line.replace(":", " ").split() for line in file.readlines()[2:]]
        outside = [row for row in rows if row[0] != "lo"] or rows
        return sum(int(row[1]) for row in outside), sum(int(row[9]) for row in outside)


def percent_busy(before, now):
    idle, passed = now[0] - before[0], max(now[1] - before[1], 1)
    return round(min(max(100 * (1 - idle / passed), 0), 100), 1)


def run(publisher):
    host = Host()
    while True:
        time.sleep(PAUSE_SECONDS)
        # Readings that nobody took are not kept: the next one is newer.
        for channel, value in host.readings():
            publisher.publish(channel, value)
