"""Kinds of channels: what a rule of the nodes says of each, and so what a reader is promised."""

from typing import NamedTuple

KEYS = [f"k{number}" for number in range(12)]
# What a publisher does with a key: mostly it says something new of it.
REMOVAL_SHARE = 0.1
# Batches a second that some clients ask for.
RATES = ["0.5", "2", "10"]


class ChannelKind(NamedTuple):
    name: str
    rule: str
    # Whether each publication has a key, of which the newest is kept.
    is_keyed: bool = False
    # Whether a publication may be left out where a newer one took its place.
    is_merged: bool = False
    # Whether all of its readers are told in batches.
    is_paced: bool = False


KINDS = [
    ChannelKind("news", ""),
    ChannelKind("keyed", "keyed=true", is_keyed=True, is_merged=True),
    ChannelKind("ticker", "keyed=true max-rate=5", is_keyed=True, is_merged=True, is_paced=True),
    ChannelKind("gauge", "max-rate=4 pace=newest", is_merged=True, is_paced=True),
    ChannelKind("batch", "max-rate=2", is_paced=True),
]
BY_NAME = {kind.name: kind for kind in KINDS}
# What happens to slow readers, where it is not the default.
POLICIES = "keyed/**=merge:65536,ticker/**=merge:65536"


def kind(channel):
    """Of a channel; one whose name says nothing is as the first."""
    return BY_NAME.get(channel.partition("/")[0], KINDS[0])


def make_channels(count, is_mixed):
    """With a slash, so that names need encoding wherever they are written."""
    return [f"{KINDS[number % len(KINDS)].name if is_mixed else 'news'}/{number}" for number in range(count)]


def rules(common):
    """Each kind's own, all with what is common to them."""
    return ", ".join(f"{kind.name}/* {common} {kind.rule}".rstrip() for kind in KINDS) + f", ** {common}"


def told(key, payload):
    """A publication as journals have it: the same text wherever it is met."""
    return f"{key}={payload}" if key else payload
