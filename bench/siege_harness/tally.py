"""What live clients saw, by phase."""

from collections import Counter

# Latencies are counted in steps of ten microseconds.
STEP_NANOSECONDS = 10_000


class Phase:
    def __init__(self):
        self.latencies = Counter()
        self.counts = Counter()

    def summary(self):
        return {"latencies": percentiles(self.latencies), "counts": self.counts}


class Tally:
    def __init__(self):
        self.name = "opening"
        self.by_name = {}
        # The same as bytes, which is how a reader has the name.
        self.latencies = {}
        self.begin(self.name)

    @property
    def now(self):
        return self.by_name[self.name]

    def begin(self, name):
        self.name = name
        self.by_name[name] = Phase()
        self.latencies[name.encode()] = self.now.latencies

    def note(self, phase, step):
        """A latency, of a publication that was due in this phase."""
        self.latencies[phase][step] += 1

    def phases(self):
        return {name: phase.summary() for name, phase in self.by_name.items()}


def percentiles(latencies):
    """p50, p99 and the greatest, in milliseconds; nothing of nothing."""
    total = sum(latencies.values())
    wanted = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    found = {}
    seen = 0
    for step in sorted(latencies):
        seen += latencies[step]
        for name, share in wanted.items():
            if name not in found and seen >= share * total:
                found[name] = (step + 1) * STEP_NANOSECONDS / 1e6
    return found
