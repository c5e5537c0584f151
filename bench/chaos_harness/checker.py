"""Holds what clients saw against what Redis has: everything once, in order, or told to be missing.

A client is somewhere in each of its channels. Each message must be the very next publication; only a `gap` or a
`recovered: false` may carry it further; and where it says it is when it comes back must be where it was told it is.
A client that comes back with nothing but its token does not say where it is: it may be sent back, and gets all from
there again, but may not be carried further either.
"""

from collections import Counter, deque
from dataclasses import dataclass
from urllib.parse import unquote

# What is shown of a client before its offence.
EVENTS_SHOWN = 20
OFFENCES_KEPT = 1_000


@dataclass
class Offence:
    kind: str
    client: int
    transport: str
    channel: str
    text: str
    milliseconds: int
    # The client's last events before it, each with the node that it was connected to.
    history: list


class Reader:
    """One client in one channel."""

    __slots__ = ("place", "repeated_up_to", "lacks", "gaps", "missing", "has_cursor", "is_open_ended")

    def __init__(self):
        # Unknown until it was told where it stands.
        self.place = None
        # Up to which place it had everything when it was sent back.
        self.repeated_up_to = -1
        # Within a poll's answer: the gaps that it names and that were not come to yet, by the place that each begins
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

    def advance(self, place):
        """What it had, it had: sent back, it stays where it was, so that what comes again is doubled."""
        self.place = place if self.place is None else max(self.place, place)

    def go_back(self, place):
        """What it had comes again."""
        self.repeated_up_to = max(self.repeated_up_to, self.place)
        self.place = place


class ClientState:
    def __init__(self, transport, channels):
        self.transport = transport
        self.node = "?"
        # Whether it came with the token of its session, which may know positions that it does not.
        self.has_token = False
        # And with nothing else.
        self.has_only_token = False
        self.history = deque(maxlen=EVENTS_SHOWN + 1)
        self.readers = {channel: Reader() for channel in channels}


class Checker:
    def __init__(self, records, forbids_gaps=False):
        self.records = records
        # Whether to be told of a gap is an offence, too.
        self.forbids_gaps = forbids_gaps
        self.clients = {}
        self.counts = Counter()
        self.offence_counts = Counter()
        self.gap_counts = Counter()
        self.ends = Counter()
        self.offences = []

    # Events, in the order in which the client noted them

    def take(self, event):
        self.counts[event.kind] += 1
        if event.kind == "client":
            transport, *channels = event.detail.split(" ")
            self.clients[event.client] = ClientState(transport, channels)
            return
        state = self.clients[event.client]
        if event.kind == "welcome":
            state.node = event.detail
        state.history.append((event, state.node))
        handler = getattr(self, f"take_{event.kind}", None)
        if handler is None:
            return
        if not event.channel:
            handler(state, event)
        elif event.channel not in state.readers:
            self.offend("unknown", state, event, "not a channel of this client")
        else:
            handler(state, event, state.readers[event.channel], self.records[event.channel])

    def take_offence(self, state, event):
        self.offend("forbidden", state, event, event.detail)

    def take_end(self, state, event):
        self.ends[event.detail] += 1
        for reader in state.readers.values():
            reader.is_open_ended = reader.has_cursor = False
            reader.lacks = {}

    def take_resume(self, state, event):
        """Where it says it is must be where it is."""
        state.has_token = bool(event.position)
        state.has_only_token = event.position == "only token"
        self.counts["resumes with a token"] += state.has_token
        self.counts["resumes with only a token"] += state.has_only_token
        for entry in filter(None, event.detail.split(",")):
            name, _, position = entry.rpartition("@")
            channel = unquote(name)
            reader, record = state.readers[channel], self.records[channel]
            place = self.place_of(state, event, record, position)
            if place is None:
                continue
            if reader.place is not None and place != reader.place:
                kind = "skipped" if place > reader.place else "rewound"
                where = f"{channel}: its cursor says {position}, it was at {self.position(record, reader)}"
                self.offend(kind, state, event, where)
            reader.advance(place)
            reader.has_cursor = True

    def take_subscribed(self, state, event, reader, record):
        place = self.place_of(state, event, record, event.position)
        if place is None:
            return
        is_told = event.detail == "false" and (state.has_only_token or reader.has_cursor and place >= reader.place)
        if is_told:
            self.note_gap("recovered: false of a subscribed", state, event, reader, place)
        if state.has_only_token and place < reader.place:
            reader.go_back(place)
        elif reader.place is not None and place != reader.place and not is_told:
            where = f"begins at {event.position}, it was at {self.position(record, reader)}"
            self.offend("skipped" if place > reader.place else "rewound", state, event, where)
        else:
            self.check_recovered(state, event, reader)
        reader.advance(place)
        reader.has_cursor = False

    def check_recovered(self, state, event, reader):
        if not event.detail and (reader.has_cursor or state.has_only_token):
            self.offend("forbidden", state, event, "it comes back and is not told whether it has all")
        elif event.detail and not reader.has_cursor and not state.has_token:
            self.offend("forbidden", state, event, "`recovered`, though it came without a cursor")

    def take_message(self, state, event, reader, record):
        place = self.place_of(state, event, record, event.position)
        if place is None:
            return
        if record.payloads[place] != event.detail:
            self.offend("unknown", state, event, f"at {event.position} Redis has {record.payloads[place]}")
        self.counts["delivered"] += 1
        self.pass_gaps(state, event, reader)
        if reader.place is None and not reader.is_open_ended:
            self.offend("forbidden", state, event, "a message before it was told where it stands")
        elif reader.place is not None and place <= reader.place:
            return self.take_old(state, event, reader, record, place)
        elif reader.place is not None and place > reader.place + 1:
            self.take_leap(state, event, reader, record, place)
        self.counts["repeated"] += place <= reader.repeated_up_to
        reader.place = place

    def take_old(self, state, event, reader, record, place):
        is_late = place in reader.missing or any(first <= place <= last for first, last in reader.gaps)
        if place in reader.missing:
            # Not lost, only late.
            reader.missing.remove(place)
            self.offence_counts["lost"] -= 1
        where = f"it was at {self.position(record, reader)} already"
        self.offend("reordered" if is_late else "doubled", state, event, where)

    def take_leap(self, state, event, reader, record, place):
        missing = record.payloads[reader.place + 1 : place]
        where = f"{len(missing)} before it are missing: {', '.join(missing[:5])}"
        self.offend("lost", state, event, where, len(missing))
        reader.missing.update(range(reader.place + 1, place))

    def take_gap(self, state, event, reader, record):
        begin = self.place_of(state, event, record, event.detail)
        end = self.place_of(state, event, record, event.position)
        if begin is None or end is None:
            return
        if begin != reader.place or end < begin:
            where = f"a gap from {event.detail} to {event.position}, it was at {self.position(record, reader)}"
            self.offend("forbidden", state, event, where)
        self.note_gap("gap", state, event, reader, end)
        reader.advance(end)

    def take_answer(self, state, event):
        for reader in state.readers.values():
            reader.is_open_ended = reader.place is None
            if reader.place is not None and not event.detail:
                self.offend("forbidden", state, event, "a poll with a cursor is not told whether it has all")

    def take_lacks(self, state, event, reader, record):
        begin = self.place_of(state, event, record, event.detail)
        end = self.place_of(state, event, record, event.position)
        if begin is None or end is None:
            return
        if end < begin:
            self.offend("forbidden", state, event, "a gap that ends before it begins")
        reader.lacks[begin] = end

    def pass_gaps(self, state, event, reader):
        """Goes on behind the gaps of a poll's answer that begin where the client stands."""
        while (end := reader.lacks.pop(reader.place, None)) is not None:
            self.note_gap("gap of a poll", state, event, reader, end)
            reader.advance(end)

    def take_stands(self, state, event, reader, record):
        place = self.place_of(state, event, record, event.position)
        if place is None:
            return
        self.pass_gaps(state, event, reader)
        if reader.lacks and not reader.is_open_ended:
            where = ", ".join(record.entries[begin][0] if begin >= 0 else "the start" for begin in reader.lacks)
            self.offend("forbidden", state, event, f"gaps from where the client never is: {where}")
        if reader.place is not None and place != reader.place:
            kind = "skipped" if place > reader.place else "rewound"
            where = f"its answer ends at {self.position(record, reader)}, the cursor says {event.position}"
            self.offend(kind, state, event, where)
        reader.advance(place)
        reader.lacks = {}
        reader.is_open_ended = False

    # The end

    def finish(self):
        """Everyone must be at the last publication of each of its channels."""
        for client, state in self.clients.items():
            for channel, reader in state.readers.items():
                record = self.records[channel]
                if reader.place != record.last_place:
                    count = record.last_place - reader.place if reader.place is not None else record.last_place + 1
                    event = state.history[-1][0] if state.history else None
                    where = f"{channel}: it ended at {self.position(record, reader)}, {count} before the last"
                    self.offend("lost", state, event._replace(client=client, channel=channel), where, count)

    # Means

    def place_of(self, state, event, record, position):
        place = record.places.get(position)
        if place is None:
            self.offend("unknown", state, event, f"Redis knows no {position} in {record.channel}")
        return place

    @staticmethod
    def position(record, reader):
        if reader.place is None:
            return "no place"
        return record.entries[reader.place][0] if reader.place >= 0 else "the start"

    def note_gap(self, kind, state, event, reader, end):
        # None where it is set back.
        count = max(0, end - reader.place)
        if self.forbids_gaps:
            self.offend("gap", state, event, f"{kind}: {count} are told missing")
        self.gap_counts[kind] += 1
        self.gap_counts["publications in gaps"] += count
        reader.gaps.append((reader.place + 1, end))

    def offend(self, kind, state, event, text, count=1):
        self.offence_counts[kind] += count
        if len(self.offences) < OFFENCES_KEPT:
            # One of each is shown whole. The last event is the offence itself.
            is_first = not any((other.kind, other.transport) == (kind, state.transport) for other in self.offences)
            history = list(state.history) if is_first else []
            self.offences.append(
                Offence(kind, event.client, state.transport, event.channel, text, event.milliseconds, history)
            )
