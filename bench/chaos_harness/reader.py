"""Where a client is in each of its channels, as the checker follows it."""

from collections import deque
from typing import NamedTuple

# What is shown of a client before its offence.
EVENTS_SHOWN = 20


class Where(NamedTuple):
    """A position: the place of what survived, or that behind which a branch begins, and the lost position in it."""

    place: int | None
    lost: str | None = None


class Reader:
    """One client in one channel."""

    __slots__ = (
        "place", "lost", "passed", "since_milliseconds", "repeated_up_to",
        "lacks", "gaps", "missing", "has_cursor", "is_open_ended",
    )  # fmt: skip

    def __init__(self):
        # How far it is in what survived. Unknown until it was told where it stands.
        self.place = None
        # The lost publication where it stands, if it does.
        self.lost = None
        # Lost publications that it had, or was told of.
        self.passed = set()
        # Since when its connection has been reading.
        self.since_milliseconds = None
        # Up to which place it had everything when it was sent back.
        self.repeated_up_to = -1
        # Within a poll's answer: the gaps that it names and that were not come to yet, by the position that each begins
        # behind.
        self.lacks = {}
        # Places that it was told are missing: first and last.
        self.gaps = []
        # Places that it was not told are missing, and that are.
        self.missing = set()
        # Whether it came with a cursor, and was not answered yet.
        self.has_cursor = False
        # Within a poll's first answer, which does not say where it begins.
        self.is_open_ended = False

    @property
    def is_somewhere(self):
        return self.place is not None or self.lost is not None

    @property
    def where(self):
        return Where(self.place, self.lost)

    def stands(self, where):
        return self.lost == where.lost and (where.lost is not None or self.place == where.place)

    def is_behind(self, where):
        """Whether it has had something of what survived that comes behind there."""
        return self.place is not None and where.place is not None and where.place < self.place

    def advance(self, where):
        """What it had, it had: sent back, it stays where it was, so that what comes again is doubled."""
        if not self.is_behind(where) and where.place is not None:
            self.place = where.place
        self.lost = where.lost

    def go_back(self, where):
        """What it had comes again."""
        if self.place is not None:
            self.repeated_up_to = max(self.repeated_up_to, self.place)
        self.place, self.lost = where


class ClientState:
    def __init__(self, transport, channels):
        self.transport = transport
        self.node = "?"
        # Until when it was told what had been published long before: what came since was still to be told.
        self.behind_until = float("-inf")
        # Whether it came with the token of its session, which may know positions that it does not.
        self.has_token = False
        # And with nothing else.
        self.has_only_token = False
        # Whether it asks to be told in batches.
        self.is_paced = False
        self.history = deque(maxlen=EVENTS_SHOWN + 1)
        self.readers = {channel: Reader() for channel in channels}
