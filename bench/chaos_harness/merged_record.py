"""What was published in a channel in which newer publications take the place of older ones, and what of it is left in the end."""

from bisect import bisect_right

from .channel_record import START, numbers


def key_of(text):
    """The key of a publication in the form of journals; all of a channel without keys have the same."""
    return text.partition("=")[0] if "=" in text else ""


def is_removal(text):
    return text.endswith("=")


class MergedRecord:
    """Publications in the order of their positions; which came next of the same key; and the newest of each key that Redis has."""

    def __init__(self, channel, entries, acknowledgements):
        self.channel = channel
        texts = {position: text for position, _, text in entries}
        # By position: what is wrong with it.
        self.problem_texts = {}
        for told in acknowledgements:
            known = texts.setdefault(told.position, told.payload)
            if known != told.payload:
                self.problem_texts[told.position] = f"{told}, and {known}, too"
        self.places = {position: place for place, position in enumerate(sorted(texts, key=numbers))}
        self.positions = [numbers(position) for position in self.places]
        self.texts = [texts[position] for position in self.places]
        self.followers = self.find_followers()
        # By key: its newest publication's place.
        self.newest = {key_of(text): self.places[position] for position, _, text in entries}

    def find_followers(self):
        """Of each publication, the place of the next one of its key; None if there is none."""
        followers, next_places = [None] * len(self.texts), {}
        for place in reversed(range(len(self.texts))):
            key = key_of(self.texts[place])
            followers[place] = next_places.get(key)
            next_places[key] = place
        return followers

    def between(self, begin, end):
        """The places behind one position and up to another, both as numbers."""
        return range(bisect_right(self.positions, begin), bisect_right(self.positions, end))

    @property
    def last_position(self):
        return self.positions[-1] if self.positions else numbers(START)

    def problems(self, losses):
        """What is wrong with what is left: each key's newest publication must be there, unless a takeover lost it. And only two masters
        of the same time give two publications one position."""
        for position, text in self.problem_texts.items():
            if not losses.is_within(numbers(position)[0]):
                yield text
        for place, follower in enumerate(self.followers):
            key = key_of(self.texts[place])
            if follower is None and self.newest.get(key) != place and not losses.is_within(self.positions[place][0]):
                yield f"{self.channel}: {self.texts[place]} was acknowledged last of its key, and Redis has something else"
