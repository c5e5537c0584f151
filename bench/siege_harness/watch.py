"""Watches the nodes while they are under siege: memory, turns, what they write."""

import asyncio

SECONDS = 0.25
SAMPLES_PER_METRICS = 2
LAST_SECONDS = 30
LONGEST = "perseid_loop_lag_microseconds"
TURNS = "perseid_turn_microseconds_bucket"


def bounds(metrics):
    """The histogram of turns, summed: count of turns by upper bound in microseconds."""
    found = {}
    for name, value in metrics.items():
        if name.startswith(TURNS):
            bound = float(name.partition('le="')[2].partition('"')[0].replace("+Inf", "inf"))
            found[bound] = found.get(bound, 0) + value
    return found


def quantile(before, after, share):
    """The bound, in milliseconds, that this share of the turns between two histograms kept; None without turns."""
    total = after.get(float("inf"), 0) - before.get(float("inf"), 0)
    if total <= 0:
        return None
    for bound in sorted(after):
        if after[bound] - before.get(bound, 0) >= share * total:
            return bound / 1_000
    return None


class Watch:
    def __init__(self, fortress):
        self.fortress = fortress
        self.longest_milliseconds = 0.0

    async def begin(self):
        self.lines_before = self.fortress.log_lines
        self.memory_before = self.memory_most = self.fortress.memory_bytes
        self.turns_before = bounds(await self.besieged.metrics())
        self.task = asyncio.create_task(self.run())

    async def run(self):
        number = 0
        while True:
            self.memory_most = max(self.memory_most, self.fortress.memory_bytes)
            if number % SAMPLES_PER_METRICS == 0:
                await self.look()
            number += 1
            await asyncio.sleep(SECONDS)

    async def look(self):
        metrics = await self.besieged.metrics()
        lags = [value for name, value in metrics.items() if name.startswith(LONGEST)]
        self.longest_milliseconds = max([self.longest_milliseconds, *(lag / 1_000 for lag in lags)])
        return metrics

    async def end(self):
        """Waits until the node answers: what kept it from that is in its histogram only then."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.log_lines = self.fortress.log_lines - self.lines_before
        after = bounds(await self.last_look())
        self.turns_p999_milliseconds = quantile(self.turns_before, after, 0.999)

    async def last_look(self):
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LAST_SECONDS
        while not (metrics := await self.look()) and self.besieged.child.is_running and loop.time() < deadline:
            await asyncio.sleep(SECONDS)
        return metrics

    @property
    def besieged(self):
        """The node that is attacked and has a core for itself: the turns of the other one, which shares its core with Redis and
        the clients, would tell how long it waits for them."""
        return self.fortress.nodes[0]

    @property
    def growth_bytes(self):
        return max(0, self.memory_most - self.memory_before)
