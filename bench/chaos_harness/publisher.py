"""Publishers: each numbers what it publishes in each channel, and repeats it under one key until it is acknowledged."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass
from urllib.parse import quote

from .channel_kind import KEYS, REMOVAL_SHARE, kind, told
from .node import DAY_MILLISECONDS
from .http_request import HTTPConnection
from .journal import condensed
from .redis_client import RedisError

PAUSE_SECONDS = (0.05, 0.5)
# More keys than a run has.
KEYS_MAX = 1_000


@dataclass
class Acknowledgement:
    channel: str
    position: str
    # As journals have it.
    payload: str

    def __str__(self):
        return f"{self.channel}: {self.payload} was acknowledged at {self.position}"


class Publisher:
    """What the two kinds have in common."""

    # Set from outside: it ends after the publication under way is acknowledged.
    is_stopping = False
    # Likewise: it ends without that. A cancelled task may go on, if what it waited for came at that moment.
    is_given_up = False
    # And not by Redis itself, which waits for no replica.
    is_answered_by_nodes = False
    # What it may say that a key is gone by: once, however often it asks.
    can_remove = False

    def __init__(self, name, seed):
        self.name = name
        self.random = random.Random(f"{seed}/publisher/{name}")
        self.numbers = Counter()
        self.acknowledged = []
        # What it was told when it was not acknowledged.
        self.troubles = Counter()
        self.offences = []

    async def run(self, channels, rate):
        """Publishes to one channel after the other, at most so many a second."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self.random.uniform(0, 1 / rate)
        while not self.is_stopping and not self.is_given_up:
            await asyncio.sleep(max(0, due - loop.time()))
            await self.publish(self.random.choice(channels))
            # What an outage kept back is not made up for.
            due = max(due + 1 / rate, loop.time())

    async def publish(self, channel, padding_bytes=0):
        self.numbers[channel] += 1
        label = f"{self.name}-{self.numbers[channel]}"
        payload = f"{label} {'.' * padding_bytes}" if padding_bytes else label
        key = self.random.choice(KEYS) if kind(channel).is_keyed else ""
        if key and self.can_remove and not padding_bytes and self.random.random() < REMOVAL_SHARE:
            payload = ""
        while not self.is_given_up:
            position = await self.attempt(channel, key, payload, label)
            if position:
                self.acknowledged.append(Acknowledgement(channel, position, told(key, condensed(payload))))
                return position
            await asyncio.sleep(self.random.uniform(*PAUSE_SECONDS))

    async def attempt(self, channel, key, payload, label):
        """The position it was acknowledged with, or None. Without a payload the key is gone."""
        raise NotImplementedError


class HTTPPublisher(Publisher):
    """Through the balancer, as a web application would."""

    is_answered_by_nodes = True

    def __init__(self, name, seed, port):
        super().__init__(name, seed)
        self.connection = HTTPConnection(port)

    async def attempt(self, channel, key, payload, label):
        target = f"/channels/{quote(channel, safe='')}"
        fields = {"Idempotency-Key": label, "Content-Type": "text/plain"} | ({"Perseid-Key": key} if key else {})
        try:
            answer = await self.connection.request("POST", target, fields, payload.encode())
        except (OSError, EOFError) as error:
            self.troubles[type(error).__name__] += 1
            return None
        if answer.status == 200:
            return json.loads(answer.body)["position"]
        self.troubles[f"status {answer.status}"] += 1
        if answer.status < 500:
            self.offences.append(f"{self.name} is refused with {answer.status}: {answer.body.decode(errors='replace')}")
        return None

    def close(self):
        self.connection.close()


class DirectPublisher(Publisher):
    """Straight into Redis, as any backend may."""

    can_remove = True

    def __init__(self, name, seed, backend, history_count):
        super().__init__(name, seed)
        self.backend = backend
        self.history_count = history_count

    async def attempt(self, channel, key, payload, label):
        options = ["ONCE", label, "HISTORY", self.history_count, "TTL", DAY_MILLISECONDS]
        if key:
            options += ["KEY", key, "KEYED", KEYS_MAX] + ["TYPE", "removal"] * (not payload)
        try:
            return await self.backend.publish(channel, payload, options)
        except (OSError, EOFError) as error:
            self.troubles[type(error).__name__] += 1
        except RedisError as error:
            # LOADING: it reads its log after a restart. READONLY, CLUSTERDOWN, TRYAGAIN: a master or a slot is on its way.
            # Everything else is odd; the report shows it.
            self.troubles[str(error).split(" ", 1)[0]] += 1
        return None

    def close(self):
        self.backend.close()
