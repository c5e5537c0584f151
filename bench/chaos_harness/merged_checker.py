"""Holds what clients saw of keyed channels, and of those of which only the newest is told, against what was published.

Positions only go up. A publication may be left out where a newer one of its key took its place, and only if that had been
published by the time at which the client was told something later. In the end every client has each key's last value, and none
of a key that was removed. Who comes without a cursor is told the newest of each key first, marked as a snapshot, and nobody else.

Where a replica took over, what was published in that time may be lost or come again: it is counted, and not judged.
"""

from collections import Counter, defaultdict
from urllib.parse import unquote

from .channel_kind import kind
from .channel_record import numbers
from .merged_record import is_removal, key_of

# A publication has its position from the clock of Redis, which may be a moment ahead of who published it.
CLOCK_MILLISECONDS = 20
# What was published so long before a client came is in its snapshot; what comes later may be told behind it.
COMING_MILLISECONDS = 5_000
# A session may still say what it said so long before a takeover.
SESSION_MILLISECONDS = 10_000


class MergedReader:
    """Where a client is in one channel, and what it has there."""

    __slots__ = (
        "position", "seen", "values", "gaps", "repeated_up_to", "has_cursor", "has_live", "is_new", "came_milliseconds",
        "ambiguous",
    )  # fmt: skip

    def __init__(self):
        # As numbers; None until it was told where it stands.
        self.position = None
        # Places of what it was told.
        self.seen = set()
        # By key: the place of what it was told last.
        self.values = {}
        # Places of positions at which it was told something else, that a takeover lost: a cursor cannot tell the two apart.
        self.ambiguous = set()
        # First and last position of what it was told is gone.
        self.gaps = []
        # Up to which position it had everything when it was sent back.
        self.repeated_up_to = (0, 0)
        self.begin_connection(0)

    def begin_connection(self, milliseconds):
        self.has_cursor = False
        # Whether it was told something that is no snapshot.
        self.has_live = False
        # Whether it stands nowhere yet: it is told a snapshot.
        self.is_new = self.position is None
        self.came_milliseconds = milliseconds


class MergedChecker:
    def __init__(self, records, losses, offend, forbids_gaps):
        self.records = records
        self.losses = losses
        self.offend = offend
        self.forbids_gaps = forbids_gaps
        self.counts = Counter()
        self.readers = defaultdict(dict)
        # How long after it was published the last of each channel was there, by channel's kind.
        self.delays = defaultdict(list)

    def take(self, state, event):
        if event.kind == "client":
            channels = event.detail.split(" ")[1:]
            self.readers[event.client] = {channel: MergedReader() for channel in channels if channel in self.records}
        elif not event.channel:
            handler = getattr(self, f"take_{event.kind}", None)
            for channel, reader in list(self.readers[event.client].items()) if handler else ():
                handler(state, event._replace(channel=channel), reader, self.records[channel])
        elif event.channel not in self.readers[event.client]:
            self.offend("unknown", state, event, "not a channel of this client")
        else:
            handler = getattr(self, f"take_{event.kind}")
            handler(state, event, self.readers[event.client][event.channel], self.records[event.channel])

    # Coming

    def take_anew(self, state, event, reader, record):
        self.readers[event.client][event.channel] = MergedReader()

    def take_resume(self, state, event, reader, record):
        reader.begin_connection(event.milliseconds)
        for entry in filter(None, event.detail.split(",")):
            name, _, position = entry.rpartition("@")
            if unquote(name) == event.channel:
                reader.has_cursor = True
                self.stand(state, event, reader, record, numbers(position), "its cursor")

    def take_subscribed(self, state, event, reader, record):
        position = numbers(event.position)
        if event.detail == "false":
            self.jump(state, event, reader, position)
        elif reader.position is not None and position < reader.position and self.may_repeat(state, event, reader):
            self.go_back(reader, position)
        elif reader.position is None or reader.is_new and kind(event.channel).is_keyed:
            reader.position = position
        else:
            self.stand(state, event, reader, record, position, "what it is subscribed behind")

    def take_answer(self, state, event, reader, record):
        if reader.position is None and kind(event.channel).is_keyed:
            reader.position = (0, 0)

    # Messages

    def take_snapshot(self, state, event, reader, record):
        if not kind(event.channel).is_keyed or reader.has_cursor or state.has_token and not reader.is_new:
            self.offend("forbidden", state, event, "a snapshot for who said where it stands")
        elif reader.has_live:
            self.offend("forbidden", state, event, "a snapshot behind what was published later")
        self.counts["snapshot messages"] += 1
        self.take_publication(state, event, reader, record)

    def take_message(self, state, event, reader, record):
        is_first = reader.is_new and not reader.has_live and kind(event.channel).is_keyed
        if is_first and not state.has_token and numbers(event.position)[0] < reader.came_milliseconds - COMING_MILLISECONDS:
            self.offend("forbidden", state, event, "of a snapshot, and is not marked as that")
        reader.has_live = True
        self.take_publication(state, event, reader, record)

    def take_publication(self, state, event, reader, record):
        position, place = numbers(event.position), record.places.get(event.position)
        if place is None or record.texts[place] != event.detail:
            if not self.is_lenient(event, position):
                known = "nothing" if place is None else record.texts[place]
                self.offend("unknown", state, event, f"at {event.position} was published {known}")
            elif place is not None:
                reader.ambiguous.add(place)
            reader.position = max(position, reader.position or position)
            return
        self.counts["delivered, merged"] += 1
        if reader.position is not None and position <= reader.position:
            return self.take_old(state, event, reader, record, position, place)
        if reader.position is not None:
            self.pass_to(state, event, reader, record, position, place)
        reader.position = position
        reader.seen.add(place)
        reader.values[key_of(event.detail)] = place
        if record.positions[place] == record.last_position:
            self.delays[kind(event.channel).name].append(event.milliseconds - position[0])

    def take_old(self, state, event, reader, record, position, place):
        if position <= reader.repeated_up_to or self.is_lenient(event, position):
            self.counts["repeated"] += 1
            reader.values[key_of(event.detail)] = place
            return
        what = "doubled" if place in reader.seen else "reordered"
        self.offend(what, state, event, f"it was at {reader.position} already")

    def pass_to(self, state, event, reader, record, position, told_place=None):
        """It goes on without what lies between: all of that must have been replaced by now, or told to be gone."""
        for place in record.between(reader.position, position):
            if place == told_place or place in reader.seen or self.is_replaced(event, record, place):
                self.counts["left out for newer ones"] += place != told_place and place not in reader.seen
                continue
            here, text = record.positions[place], record.texts[place]
            is_nothing = is_removal(text) and key_of(text) not in reader.values
            is_told = any(begin < here <= end for begin, end in reader.gaps)
            if not is_nothing and not is_told and not self.is_lenient(event, here):
                self.offend("lost", state, event, f"{text} at {here} was not replaced by then, and is left out")

    def is_replaced(self, event, record, place):
        follower = record.followers[place]
        return follower is not None and record.positions[follower][0] <= event.milliseconds + CLOCK_MILLISECONDS

    # Where it stands without a message

    def stand(self, state, event, reader, record, position, what):
        """It is said to stand somewhere: never behind what it was told, and further only where all that lies between was replaced."""
        if reader.position is None:
            reader.position = position
        elif position < reader.position:
            if not self.is_lenient(event, position):
                self.offend("rewound", state, event, f"{what} is {position}, it was at {reader.position}")
            self.go_back(reader, position)
        else:
            self.pass_to(state, event, reader, record, position)
            reader.position = position

    def take_stands(self, state, event, reader, record):
        self.stand(state, event, reader, record, numbers(event.position), "its answer's cursor")

    def take_gap(self, state, event, reader, record):
        begin = numbers(event.detail)
        if reader.position is not None and begin < reader.position and not self.is_lenient(event, begin):
            self.offend("forbidden", state, event, f"a gap from {event.detail}, it was at {reader.position}")
        self.jump(state, event, reader, numbers(event.position), begin)

    def take_lacks(self, state, event, reader, record):
        begin, end = numbers(event.detail), numbers(event.position)
        self.note_gap(state, event, reader, begin, end)
        # As long after the takeover as the reader's next publication comes: what says that it is of that time is where it stood.
        is_lenient = self.is_lenient(event, begin) or self.is_lenient(event, end)
        if reader.position is not None and end < reader.position and is_lenient:
            self.go_back(reader, end)

    def jump(self, state, event, reader, position, begin=None):
        self.note_gap(state, event, reader, begin or reader.position or (0, 0), position)
        if reader.position is not None and position < reader.position:
            self.go_back(reader, position)
        reader.position = position

    def note_gap(self, state, event, reader, begin, end):
        reader.gaps.append((begin, end))
        self.counts["gaps"] += 1
        if self.forbids_gaps and not self.is_lenient(event, begin) and not self.is_lenient(event, end):
            self.offend("gap", state, event, "what is merged is not missing")

    # What is allowed

    def may_repeat(self, state, event, reader):
        """Who shows only its token is where its session is."""
        return state.has_only_token or self.is_lenient(event, reader.position)

    def go_back(self, reader, position):
        reader.repeated_up_to = max(reader.repeated_up_to, reader.position)
        reader.position = position
        # What there is again is told as publications, and not as a snapshot.
        reader.is_new = False

    def is_lenient(self, event, position):
        """Whether it is about what a takeover may have lost."""
        moments = (event.milliseconds, event.milliseconds - SESSION_MILLISECONDS, position[0])
        return any(self.losses.is_within(moment) for moment in moments)

    # The end

    def finish(self, states):
        for client, readers in self.readers.items():
            for channel, reader in readers.items():
                self.check_values(client, states[client], channel, reader, self.records[channel])

    def may_have_lost(self, state, record, has, place):
        has_cursor = state.transport != "/bayeux" and not state.has_only_token
        places = [place] if has is None else [has, place]
        return not has_cursor and any(self.losses.is_within(record.positions[each][0]) for each in places)

    def check_values(self, client, state, channel, reader, record):
        """Each key's last value is what Redis has, also where a takeover lost what the reader was told: then it is told a gap, and what
        there is again. Only who is where its session is may be set back to before that, and not know that what it has is lost."""
        last = state.history[-1][0]._replace(client=client, channel=channel)
        newest = record.newest if kind(channel).is_keyed else {"": len(record.texts) - 1}
        for key, place in newest.items():
            has = reader.values.get(key)
            is_nothing = has is None and is_removal(record.texts[place])
            if has == place or is_nothing or place in reader.ambiguous or self.may_have_lost(state, record, has, place):
                continue
            text = record.texts[has] if has is not None else "nothing"
            self.offend("lost", state, last, f"it has {text} in the end, and not {record.texts[place]}")
