"""What Redis has of one channel at the end: the truth that all else is held against."""

from collections import Counter

START = "0-0"


def numbers(position):
    milliseconds, sequence = position.split("-")
    return int(milliseconds), int(sequence)


class ChannelRecord:
    """Publications by their place: 0 is the first, and -1 is before it."""

    def __init__(self, channel, entries):
        self.channel = channel
        self.entries = entries
        self.payloads = [payload for _, _, payload in entries]
        self.places = {position: place for place, (position, _, _) in enumerate(entries)} | {START: -1}

    @property
    def last_place(self):
        return len(self.entries) - 1

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

    def acknowledgement_problems(self, acknowledgement):
        place = self.places.get(acknowledgement.position)
        if place is None:
            yield f"{acknowledgement}: Redis has nothing there"
        elif self.payloads[place] != acknowledgement.payload:
            yield f"{acknowledgement}: Redis has {self.payloads[place]} there"
