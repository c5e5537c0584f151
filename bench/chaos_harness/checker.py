"""Holds what clients saw against what Redis has: everything once, in order, or told to be missing.

A client is somewhere in each of its channels. Each message must be the very next publication; only a `gap` or a
`recovered: false` may carry it further; and where it says it is when it comes back must be where it was told it is.
A client that comes back with nothing but its token does not say where it is: it may be sent back, and gets all from
there again, but may not be carried further either.

Where a replica took over, the master of before may have told publications that nobody has any more. They hang on those
that they followed, as a branch: a client may go along it in the same order, each once, and must be told of a gap before
it goes on with what survived. It may come back only to where it left that, or further.
"""

from collections import Counter
from dataclasses import dataclass
from urllib.parse import unquote

from .channel_kind import kind
from .channel_record import numbers
from .losses import Losses
from .merged_checker import MergedChecker
from .node import WINDOW_BYTES
from .reader import ClientState, Reader, Where

# How long after a takeover a session may still say what it said before: its checkpoints come every 5 s.
SESSION_MILLISECONDS = 10_000

# For so long who came may still be told what it missed, on a busy machine: from a history that may not have what was lost any more.
COMING_MILLISECONDS = 3_000

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


class Checker:
    def __init__(self, records, forbids_gaps=False, losses=None, merged_records=None):
        self.records = records
        self.losses = losses or Losses()
        # Whether to be told of a gap is an offence, too, unless what Redis lost explains it.
        self.forbids_gaps = forbids_gaps
        self.clients = {}
        self.counts = Counter()
        self.offence_counts = Counter()
        self.gap_counts = Counter()
        self.ends = Counter()
        self.offences = []
        # Of channels in which newer publications take the place of older ones; it has the same clients.
        self.merged = MergedChecker(merged_records or {}, self.losses, self.offend, forbids_gaps)

    # Events, in the order in which the client noted them

    def take(self, event):
        self.counts[event.kind] += 1
        if event.kind == "client":
            transport, *channels = event.detail.split(" ")
            self.clients[event.client] = ClientState(transport, [channel for channel in channels if channel in self.records])
            self.merged.take(self.clients[event.client], event)
            return
        state = self.clients[event.client]
        if event.kind == "welcome":
            state.node = event.detail
        state.history.append((event, state.node))
        if event.channel in self.merged.records:
            return self.merged.take(state, event)
        handler = getattr(self, f"take_{event.kind}", None)
        if handler is None:
            return
        if not event.channel:
            handler(state, event)
            self.merged.take(state, event)
        elif event.channel not in state.readers:
            self.offend("unknown", state, event, "not a channel of this client")
        else:
            handler(state, event, state.readers[event.channel], self.records[event.channel])

    def take_paced(self, state, event):
        state.is_paced = True

    def take_offence(self, state, event):
        self.offend("forbidden", state, event, event.detail)

    def take_refused(self, state, event):
        """A session that was opened while a replica took over may be lost."""
        if self.losses.is_within(int(event.detail)):
            self.counts["lost sessions"] += 1
        else:
            self.offend("forbidden", state, event, "its token is refused")

    def take_anew(self, state, event):
        state.readers = {channel: Reader() for channel in state.readers}

    def take_end(self, state, event):
        self.ends[event.detail] += 1
        for reader in state.readers.values():
            reader.since_milliseconds = None
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
            if channel not in self.records:
                continue
            reader, record = state.readers[channel], self.records[channel]
            where = self.where(state, event, record, reader, position)
            if where is None:
                continue
            if reader.is_somewhere and not reader.stands(where):
                text = f"{channel}: its cursor says {position}, it was at {self.position(record, reader)}"
                self.offend(self.kind_of_leap(reader, where), state, event, text)
            reader.advance(where)
            reader.has_cursor = True

    def take_subscribed(self, state, event, reader, record):
        where = self.where(state, event, record, reader, event.position)
        if where is None:
            return
        is_back = reader.is_behind(where)
        is_told = event.detail == "false" and (state.has_only_token or reader.has_cursor and not is_back)
        if is_told:
            self.note_gap("recovered: false of a subscribed", state, event, reader, record, where)
        if state.has_only_token and (is_back or self.is_back_in_branch(record, reader, where)):
            reader.go_back(where)
        elif reader.is_somewhere and not reader.stands(where) and not is_told:
            text = f"begins at {event.position}, it was at {self.position(record, reader)}"
            self.offend(self.kind_of_leap(reader, where), state, event, text)
        else:
            self.check_recovered(state, event, reader)
        reader.advance(where)
        reader.has_cursor = False
        reader.since_milliseconds = event.milliseconds

    def is_back_in_branch(self, record, reader, where):
        """Whether it is sent back along the lost publications that it had, or to where they began."""
        if reader.lost is None:
            return where.lost is not None
        return where.place == reader.place if where.lost is None else where.lost in record.way_to(reader.lost)[1:]

    def check_recovered(self, state, event, reader):
        if not event.detail and (reader.has_cursor or state.has_only_token):
            self.offend("forbidden", state, event, "it comes back and is not told whether it has all")
        elif event.detail and not reader.has_cursor and not state.has_token:
            self.offend("forbidden", state, event, "`recovered`, though it came without a cursor")

    def take_message(self, state, event, reader, record):
        self.note_delay(state, event)
        self.pass_gaps(state, event, reader, record)
        if not reader.is_somewhere and not reader.is_open_ended:
            self.offend("forbidden", state, event, "a message before it was told where it stands")
        self.follow_session(state, event, reader, record)
        if event.position in record.lost and event.position not in record.places:
            if not record.is_lost(event.position, event.detail):
                self.offend("unknown", state, event, f"others were told {record.lost[event.position].payload} there")
            return self.take_lost(state, event, reader, record)
        if record.is_lost(event.position, event.detail):
            return self.take_lost(state, event, reader, record)
        where = self.where(state, event, record, None, event.position)
        if where is None:
            return
        place = where.place
        if record.payloads[place] != event.detail:
            self.offend("unknown", state, event, f"at {event.position} Redis has {record.payloads[place]}")
        self.counts["delivered"] += 1
        if reader.place is not None and place <= reader.place:
            return self.take_old(state, event, reader, record, place)
        if reader.lost is not None:
            text = f"it was at {reader.lost}, which Redis lost, and is told of no gap"
            self.offend("strayed", state, event, text)
        elif reader.place is not None and place > reader.place + 1:
            self.take_leap(state, event, reader, record, place)
        elif reader.place is not None:
            self.note_unseen(state, event, reader, record)
        self.counts["repeated"] += place <= reader.repeated_up_to
        reader.place, reader.lost = place, None

    def follow_session(self, state, event, reader, record):
        """Who has no cursor of its own is where its session is; that of before a takeover may know less, and nothing of what
        is lost. It may be sent back without a word, and never further."""
        has_cursor = state.transport != "/bayeux" and not state.has_only_token
        is_late = self.losses.is_within(event.milliseconds - SESSION_MILLISECONDS)
        if has_cursor or reader.place is None or not (is_late or self.losses.is_within(event.milliseconds)):
            return
        if record.is_lost(event.position, event.detail):
            before = record.lost[event.position].previous
            where = Where(record.fork(event.position), before if before in record.lost else None)
        else:
            where = Where(record.places.get(event.position, 0) - 1)
        # Where the client would have to be, and is not; what it lacks is not to be had back there.
        if where.place is None or reader.stands(where) or where.place > reader.place:
            return
        self.counts["sent back by a session"] += 1
        reader.go_back(where)

    def take_lost(self, state, event, reader, record):
        """One that no surviving master has: it must follow where the client stands, as it did for everybody else."""
        self.counts["delivered, and lost by Redis"] += 1
        reader.passed.add(event.position)
        way = record.way_to(event.position)
        here = self.position(record, reader)
        if reader.lost is not None and event.position in record.way_to(reader.lost):
            self.offend("doubled", state, event, f"it was at {here} already")
            return
        if reader.is_somewhere and record.lost[event.position].previous != here:
            missing = way[1 : way.index(reader.lost)] if reader.lost in way else way[1:]
            is_ahead = reader.lost in way or reader.lost is None and record.fork(event.position) == reader.place
            text = f"it was at {here}, and lacks {', '.join(missing[:5]) or 'what is before it'}"
            self.offend("lost" if is_ahead else "strayed", state, event, text, max(1, len(missing)))
        reader.advance(Where(record.fork(event.position), event.position))

    def note_delay(self, state, event):
        """One that comes back may be sent ten megabytes of one channel first, which takes a busy machine seconds."""
        if numbers(event.position)[0] + COMING_MILLISECONDS < event.milliseconds:
            state.behind_until = event.milliseconds

    def note_unseen(self, state, event, reader, record):
        """It goes on with what survived and never had what was lost there. Whoever read at a node that told others of it, on
        one connection all the time and not behind, must have had it or have been told."""
        for position in record.branches_at(reader.place):
            if position in reader.passed:
                continue
            self.counts["lost, and unseen"] += 1
            milliseconds, _ = numbers(position)
            since = reader.since_milliseconds
            # A former master may tell more when the one that took over has told much already.
            is_earlier = numbers(position) < numbers(event.position) and since is not None and since + COMING_MILLISECONDS < milliseconds
            is_in_time = is_earlier and state.behind_until + COMING_MILLISECONDS < milliseconds
            if is_in_time and state.node in self.losses.deliverers[record.channel, position]:
                self.offend("silent", state, event, f"its node told others of {position}, and Redis lost it")

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
        begin = self.where(state, event, record, reader, event.detail)
        end = self.where(state, event, record, reader, event.position)
        if begin is None or end is None:
            return
        stands = reader.stands(begin) or self.may_stand_in_session(state, event, begin)
        if not stands or reader.is_behind(end) and not self.may_go_back(event, record, begin, end):
            text = f"a gap from {event.detail} to {event.position}, it was at {self.position(record, reader)}"
            self.offend("forbidden", state, event, text)
        # A session that was set back tells it once more.
        self.note_gap("gap", state, event, reader, record, end, reader.where if reader.stands(begin) else begin)
        self.pass_gap(event, reader, record, end)

    def may_stand_in_session(self, state, event, begin):
        """Who has no cursor is where its session is: at what is lost, too, if the answer that it was in never came."""
        has_cursor = state.transport != "/bayeux" and not state.has_only_token
        return not has_cursor and begin.lost is not None and self.losses.is_within(event.milliseconds)

    def may_go_back(self, event, record, begin, end):
        """Where a replica takes over, nodes have different masters for a moment: who goes from one to another is told of the
        way back, to or from what is lost, or from what only the new one has, and has again what survived."""
        if begin.lost is not None or end.lost is not None:
            return self.losses.is_within(event.milliseconds)
        return begin.place is not None and self.losses.is_of_takeover(record.position(begin.place), event.milliseconds)

    def pass_gap(self, event, reader, record, end):
        if reader.is_behind(end) and self.may_go_back(event, record, reader.where, end):
            self.counts["sent back by a gap"] += 1
            reader.go_back(end)
            reader.passed.clear()
        else:
            reader.advance(end)

    def take_answer(self, state, event):
        for reader in state.readers.values():
            reader.is_open_ended = not reader.is_somewhere
            if reader.is_somewhere and not event.detail:
                self.offend("forbidden", state, event, "a poll with a cursor is not told whether it has all")

    def take_lacks(self, state, event, reader, record):
        begin = self.where(state, event, record, reader, event.detail)
        end = self.where(state, event, record, reader, event.position)
        if begin is None or end is None:
            return
        is_back = None not in (begin.place, end.place) and end.place < begin.place
        if is_back and not self.may_go_back(event, record, begin, end):
            self.offend("forbidden", state, event, "a gap that ends before it begins")
        reader.lacks[event.detail] = end

    def pass_gaps(self, state, event, reader, record):
        """Goes on behind the gaps of a poll's answer that begin where the client stands."""
        while reader.lacks and (end := reader.lacks.pop(self.position(record, reader), None)) is not None:
            self.note_gap("gap of a poll", state, event, reader, record, end)
            self.pass_gap(event, reader, record, end)

    def take_stands(self, state, event, reader, record):
        self.pass_gaps(state, event, reader, record)
        where = self.where(state, event, record, reader, event.position)
        if where is None:
            return
        if reader.lacks and not reader.is_open_ended:
            self.offend("forbidden", state, event, f"gaps from where the client never is: {', '.join(reader.lacks)}")
        if reader.is_somewhere and not reader.stands(where):
            text = f"its answer ends at {self.position(record, reader)}, the cursor says {event.position}"
            self.offend(self.kind_of_leap(reader, where), state, event, text)
        reader.advance(where)
        reader.lacks = {}
        reader.is_open_ended = False

    # The end

    def finish(self):
        """Everyone must be at the last publication of each of its channels."""
        self.merged.finish(self.clients)
        self.counts += self.merged.counts
        for client, state in self.clients.items():
            for channel, reader in state.readers.items():
                record = self.records[channel]
                if reader.place != record.last_place or reader.lost is not None:
                    count = record.last_place - reader.place if reader.place is not None else record.last_place + 1
                    event = state.history[-1][0] if state.history else None
                    where = f"{channel}: it ended at {self.position(record, reader)}, {count} before the last"
                    self.offend("lost", state, event._replace(client=client, channel=channel), where, count)

    # Means

    def where(self, state, event, record, reader, position):
        """Where a position is; of two publications that have it the one where the client stands."""
        place = record.places.get(position)
        if position in record.lost and (place is None or reader is not None and reader.lost == position):
            return Where(record.fork(position), position)
        if place is None:
            self.offend("unknown", state, event, f"Redis knows no {position} in {record.channel}")
            return None
        return Where(place)

    @staticmethod
    def kind_of_leap(reader, where):
        """What it is called when a client is somewhere else without a word."""
        if reader.lost is not None or where.lost is not None:
            return "strayed"
        return "skipped" if where.place > reader.place else "rewound"

    @staticmethod
    def position(record, reader):
        if reader.lost is not None:
            return reader.lost
        return record.position(reader.place) if reader.place is not None else "no place"

    def note_gap(self, kind, state, event, reader, record, end, begin=None):
        begin = begin or reader.where
        # None where it is set back.
        count = max(0, end.place - begin.place) if None not in (begin.place, end.place) else 0
        self.counts["lost, and told"] += begin.lost is not None
        reader.passed.update(record.branches_at(reader.place))
        is_explained = self.is_explained(record, begin, end, count) or self.is_overfull(state, event, record, begin)
        if self.forbids_gaps and not is_explained:
            self.offend("gap", state, event, f"{kind}: {count} are told missing")
        self.gap_counts[kind] += 1
        self.gap_counts["publications in gaps"] += count
        if count:
            reader.gaps.append((begin.place + 1, end.place))

    @staticmethod
    def is_explained(record, begin, end, count):
        """Whether it tells of what Redis lost, and of nothing that can be had: that has a later position than what is lost."""
        if begin.lost is None:
            return count == 0 and (end.lost is not None or bool(record.branches_at(begin.place)))
        return not count or numbers(record.position(end.place)) <= numbers(begin.lost)

    @staticmethod
    def is_overfull(state, event, record, begin):
        """Whether somebody who is told in batches lacked more than a batch may be, as it was published by then."""
        is_paced = state.is_paced or kind(event.channel).is_paced
        return is_paced and begin.place is not None and record.bytes_behind(begin.place, event.milliseconds) > WINDOW_BYTES

    def offend(self, kind, state, event, text, count=1):
        self.offence_counts[kind] += count
        if len(self.offences) < OFFENCES_KEPT:
            # One of each is shown whole. The last event is the offence itself.
            is_first = not any((other.kind, other.transport) == (kind, state.transport) for other in self.offences)
            history = list(state.history) if is_first else []
            self.offences.append(
                Offence(kind, event.client, state.transport, event.channel, text, event.milliseconds, history)
            )
