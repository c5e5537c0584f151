"""What Redis lost, as far as anybody knows: what was acknowledged or read, and what no surviving master has.

A publication counts as lost only if a publisher of this run made it, and if its position is from a time in which a
replica took over from its master. Whatever else readers have that Redis has not, the checker calls unknown.
"""

from collections import Counter, defaultdict
from urllib.parse import unquote

from .channel_record import LostPublication, numbers


class Losses:
    def __init__(self, windows=()):
        # Begin and end in milliseconds of the times in which a replica took over.
        self.windows = list(windows)
        self.problems = []
        # By channel and position, what the readers of it stood at before: the nearest is the one that it followed.
        self.claims = defaultdict(set)
        # Where each client is in each channel.
        self.places = {}
        # The nodes that delivered each lost publication, by channel and position.
        self.deliverers = defaultdict(set)
        self.nodes = {}

    def is_within(self, milliseconds):
        return any(begin <= milliseconds <= end for begin, end in self.windows)

    def is_of_takeover(self, position, milliseconds):
        """Whether a publication is from the takeover that is under way at a moment: a former master need not have it."""
        published, _ = numbers(position)
        return any(begin <= published and begin <= milliseconds <= end for begin, end in self.windows)

    # What was acknowledged

    def take_publishers(self, publishers, records):
        self.attempts = {publisher.name: publisher.numbers for publisher in publishers}
        for publisher in publishers:
            for told in publisher.acknowledged:
                record = records.get(told.channel)
                if record and self.is_missing(record, told.position, told.payload):
                    self.lose(record, told.position, told.payload, is_acknowledged=True)

    def is_missing(self, record, position, payload):
        place = record.places.get(position)
        return place is None or place < 0 or record.payloads[place] != payload

    def lose(self, record, position, payload, is_acknowledged=False):
        milliseconds, _ = numbers(position)
        if not self.is_within(milliseconds) or not self.was_attempted(record.channel, payload):
            return
        lost = record.lost.setdefault(position, LostPublication(payload))
        lost.is_acknowledged |= is_acknowledged
        if lost.payload != payload:
            self.problems.append(f"{record.channel}: {lost.payload} and {payload} were both told at {position}")

    def was_attempted(self, channel, payload):
        name, _, number = payload.split("+")[0].rpartition("-")
        return number.isdecimal() and 0 < int(number) <= self.attempts.get(name, Counter())[channel]

    # What was read: events, in the order in which each client noted them

    def take(self, event, records):
        if event.kind == "welcome":
            self.nodes[event.client] = event.detail
        elif event.kind == "anew":
            self.places = {key: place for key, place in self.places.items() if key[0] != event.client}
        elif event.kind == "resume":
            self.take_resume(event)
        elif event.kind == "lacks":
            # Where in the answer it is, only the checker finds out.
            self.places.pop((event.client, event.channel), None)
        elif event.channel in records and event.kind in ("message", "subscribed", "gap", "stands"):
            if event.kind == "message":
                self.take_message(event, records[event.channel])
            self.places[event.client, event.channel] = event.position

    def take_resume(self, event):
        if event.position == "only token":
            self.places = {key: place for key, place in self.places.items() if key[0] != event.client}
        for entry in filter(None, event.detail.split(",")):
            name, _, position = entry.rpartition("@")
            self.places[event.client, unquote(name)] = position

    def take_message(self, event, record):
        if not self.is_missing(record, event.position, event.detail):
            return
        self.lose(record, event.position, event.detail)
        if record.is_lost(event.position, event.detail):
            before = self.places.get((event.client, event.channel))
            if before and numbers(before) < numbers(event.position):
                self.claims[event.channel, event.position].add(before)
            self.deliverers[event.channel, event.position].add(self.nodes.get(event.client))

    def finish(self, records):
        """Whoever came from further back has missed something; the checker says so. Where somebody came from a lost one, who came from one
        that survived beyond that was at the new master before, and is at the old one by way of its session."""
        for (channel, position), claims in self.claims.items():
            lost = records[channel].lost
            lost[position].previous = max(claims, key=lambda claim: (claim in lost, numbers(claim)))
