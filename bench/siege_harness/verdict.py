"""The bars of issue 9, and what did not reach them."""

from dataclasses import dataclass, field

P99_TIMES_MAX = 3
CONNECTION_BYTES_MAX = 2 << 20
BEHAVIOUR_BYTES_MAX = 64 << 20
TURN_MILLISECONDS_MAX = 20
# Whatever a client does: more would fill disks, and hide what matters.
LOG_LINES_PER_SECOND_MAX = 10


@dataclass
class Outcome:
    """What one siege came to."""

    name: str
    # Latencies of the live readers in milliseconds, by `p50`, `p99` and `max`; empty if nothing came.
    quiet: dict = field(default_factory=dict)
    live: dict = field(default_factory=dict)
    # What the live clients counted meanwhile.
    counts: dict = field(default_factory=dict)
    lost: int = 0
    doubled: int = 0
    gaps: int = 0
    cut: int = 0
    growth_bytes: int = 0
    connections: int = 1
    longest_milliseconds: float = 0
    # None if the node has no histogram of its turns.
    turns_p999_milliseconds: float | None = None
    deaths: list = field(default_factory=list)
    log_lines: int = 0
    seconds: float = 1
    # Of hostile clients.
    counted: dict = field(default_factory=dict)
    cores: dict = field(default_factory=dict)
    # How many behaviours were mixed.
    behaviours: int = 1
    # Whether Redis stood still: nobody's publish could be answered.
    was_without_redis: bool = False
    leaves_room: bool = True
    # Whether what grew is what channels remember: no connection holds that.
    is_remembered: bool = False

    @property
    def p99_times(self):
        return self.live["p99"] / self.quiet["p99"] if self.live and self.quiet else None

    @property
    def connection_bytes(self):
        return self.growth_bytes / max(1, self.connections)

    def count(self, name):
        return self.counts.get(name, 0)

    def failures(self):
        """The bars that were not reached, in words."""
        yield from (f"death: {death}" for death in self.deaths)
        for name in ("lost", "doubled", "gaps", "cut"):
            if getattr(self, name):
                yield f"{name} {getattr(self, name):,}"
        if self.log_lines > LOG_LINES_PER_SECOND_MAX * self.seconds:
            yield f"{self.log_lines:,} log lines"
        if not self.was_without_redis:
            yield from self.service_failures()
        if self.growth_bytes > BEHAVIOUR_BYTES_MAX * self.behaviours:
            yield f"{self.growth_bytes / 1e6:,.0f} MB in all"
        if self.connection_bytes > CONNECTION_BYTES_MAX and not self.is_remembered:
            yield f"{self.connection_bytes / 1e6:,.1f} MB a connection"
        # Without a histogram the longest turn of all must do.
        p999 = self.turns_p999_milliseconds
        if (self.longest_milliseconds if p999 is None else p999) > TURN_MILLISECONDS_MAX:
            yield "turns"

    def service_failures(self):
        if self.p99_times is None:
            yield "nothing came"
        elif self.p99_times > P99_TIMES_MAX:
            yield f"p99 {self.p99_times:.1f} × quiet"
        names = ["refused", "late"] + (["turned away", "came late"] if self.leaves_room else [])
        for name in names:
            if self.count(name):
                yield f"{name} {self.count(name):,}"
