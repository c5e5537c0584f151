"""What Redis has of one channel at the end, and what it lost on the way: the truth that all else is held against."""

from collections import Counter
from dataclasses import dataclass

from .journal import condensed_bytes

START = "0-0"


def numbers(position):
    milliseconds, sequence = position.split("-")
    return int(milliseconds), int(sequence)


@dataclass
class LostPublication:
    """One that a master told of, and that the master which took over never had."""

    payload: str
    # The position that it followed; None if nobody saw it come.
    previous: str | None = None
    is_acknowledged: bool = False


class ChannelRecord:
    """Publications by their place: 0 is the first, and -1 is before it. Those that are lost have none: they hang on those
    that they followed, as branches do."""

    def __init__(self, channel, entries, lost=None):
        self.channel = channel
        self.entries = entries
        self.payloads = [payload for _, _, payload in entries]
        self.places = {position: place for place, (position, _, _) in enumerate(entries)} | {START: -1}
        # By position.
        self.lost = lost or {}

    @property
    def last_place(self):
        return len(self.entries) - 1

    def position(self, place):
        return self.entries[place][0] if place >= 0 else START

    def bytes_behind(self, place, milliseconds):
        """Payload of what followed a place, and was published by a moment."""
        count = 0
        for position, _, payload in self.entries[place + 1 :]:
            if numbers(position)[0] > milliseconds:
                break
            count += condensed_bytes(payload)
        return count

    # Branches

    def is_lost(self, position, payload):
        """Whether this is a lost one; another publication may have its position by now."""
        lost = self.lost.get(position)
        if lost is None or lost.payload != payload:
            return False
        place = self.places.get(position)
        return place is None or self.payloads[place] != payload

    def way_to(self, position):
        """The lost publications up to this one, newest first."""
        way = []
        while position in self.lost and position not in way:
            way.append(position)
            position = self.lost[position].previous
        return way

    def fork(self, position):
        """The place behind which the branch of a lost publication begins; None if that is not known."""
        return self.places.get(self.lost[self.way_to(position)[-1]].previous)

    def branches_at(self, place):
        """Lost publications that directly followed the one at this place."""
        if not self.lost or place is None:
            return []
        position = self.position(place)
        return [lost for lost, publication in self.lost.items() if publication.previous == position]

    # What is wrong with it

    def problems(self):
        """What is wrong with the stream itself."""
        previous = START
        for position, named, payload in self.entries:
            if named != previous or numbers(position) <= numbers(previous):
                yield f"{self.channel}: {payload} at {position} follows {named}, not {previous}"
            previous = position
        for payload, count in Counter(self.payloads).items():
            if count > 1:
                yield f"{self.channel}: {payload} was published {count} times"
        yield from self.order_problems()

    def order_problems(self):
        """A publisher waits for each acknowledgement, so its numbers only rise."""
        newest = {}
        for payload in self.payloads:
            name, _, number = payload.split("+")[0].rpartition("-")
            if number.isdecimal() and int(number) <= newest.get(name, 0):
                yield f"{self.channel}: {payload} came after {name}-{newest[name]}"
            if number.isdecimal():
                newest[name] = int(number)

    def acknowledgement_problems(self, acknowledgement, may_be_lost=True):
        if self.is_lost(acknowledgement.position, acknowledgement.payload):
            if not may_be_lost:
                yield f"{acknowledgement}, when replicas had it, and is lost"
            return
        place = self.places.get(acknowledgement.position)
        if place is None:
            yield f"{acknowledgement}: Redis has nothing there"
        elif self.payloads[place] != acknowledgement.payload:
            yield f"{acknowledgement}: Redis has {self.payloads[place]} there"
