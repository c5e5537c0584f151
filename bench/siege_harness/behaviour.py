"""What a hostile client does, and what its node must be like."""

from collections.abc import Callable
from dataclasses import dataclass, field

ALL = {}


@dataclass(frozen=True)
class Behaviour:
    name: str
    title: str
    # A coroutine function of a `hostile.Client`, begun anew whenever its connection is cut.
    attack: Callable
    # How many of it at once.
    width: int = 1
    # Lines of the issue that it comes from.
    rows: str = ""
    # Of the node, beyond the defaults: so that what takes minutes otherwise happens within seconds.
    limits: dict = field(default_factory=dict)
    # Descriptors that the node may have.
    descriptors: int | None = None
    # A channel whose history is full must be there.
    needs_history: bool = False
    # What it publishes is remembered, which is the channels' memory and not its connections': only the sum of it counts.
    is_remembered: bool = False
    # Comes from the live clients' address, as behind one balancer.
    shares_address: bool = False
    # Only with Redis, which stands still while this goes on: nobody's publish can be answered then.
    stops_redis: bool = False
    # Whether newcomers must find the node open.
    leaves_room: bool = True
    # Whether it can be one of many on a node.
    mixes: bool = True


def behaviour(name, title, **details):
    """Declares the coroutine function that follows."""

    def declare(attack):
        ALL[name] = Behaviour(name, title, attack, **details)
        return attack

    return declare
