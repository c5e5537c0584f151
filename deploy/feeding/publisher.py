"""Publishes to nodes over HTTP, to one after the other, leaving out those that are away."""

import collections
import email.utils
import http.client
import itertools
import json
import random
import time
import urllib.parse
import uuid

TIMEOUT_SECONDS = 5
BACKOFF_SECONDS_MIN = 0.25
BACKOFF_SECONDS_MAX = 10
RETRY_AFTER_SECONDS_MAX = 60


def say(text):
    print(text, flush=True)


def milliseconds_now():
    return time.time_ns() // 1_000_000


class Refused(Exception):
    """The node will not take anything from us: trying again cannot help."""


class Node:
    """One address to publish to, over one connection that is kept open."""

    def __init__(self, url, api_key):
        parts = urllib.parse.urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self.url = url.rstrip("/")
        self.path = parts.path.rstrip("/") + "/channels/"
        self.connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self.headers = {"Content-Type": "application/json"}
        if api_key:
            self.headers["Authorization"] = f"Bearer {api_key}"
        self.failures = 0
        self.paused_until = 0.0

    def is_ready(self):
        return time.monotonic() >= self.paused_until

    def publish(self, channel, body, key):
        """Publishes once; whether the node has it. The key lets it recognise what it has already taken."""
        try:
            response = self._post(self.path + urllib.parse.quote(channel), body, {"Idempotency-Key": key})
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self._pause(str(error) or type(error).__name__)
            return False
        if response.status in (401, 403):
            raise Refused(f"{self.url} answers {response.status}: is the API key right?")
        if response.status == 429 or response.status >= 500:
            self._pause(f"{response.status} {response.reason}", response.getheader("Retry-After"))
            return False
        if response.status >= 300:
            say(f"{self.url} does not take {channel}: {response.status} {response.reason}")
        if self.failures:
            say(f"{self.url} takes publications again")
        self.failures = 0
        return True

    def _post(self, path, body, headers):
        # A node may close a connection that was idle, just as we write to it: then a fresh one gets a chance at once.
        was_open = self.connection.sock is not None
        try:
            return self._exchange(path, body, headers)
        except (ConnectionError, http.client.BadStatusLine):
            self.connection.close()
            if not was_open:
                raise
            return self._exchange(path, body, headers)

    def _exchange(self, path, body, headers):
        self.connection.request("POST", path, body, {**self.headers, **headers})
        response = self.connection.getresponse()
        response.read()  # or the connection could not be used again
        return response

    def _pause(self, reason, retry_after=None):
        self.failures += 1
        asked = seconds_of(retry_after)
        if asked is None:
            ceiling = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2 ** min(self.failures, 10))
            asked = random.uniform(BACKOFF_SECONDS_MIN, ceiling)
        self.paused_until = time.monotonic() + asked
        if self.failures == 1:
            say(f"{self.url} takes nothing for the moment ({reason}); trying again until it does")


def seconds_of(retry_after):
    """What a Retry-After says, in seconds from now, or None."""
    if not retry_after:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (TypeError, ValueError):
            return None
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)


class Publisher:
    """Publishes to one node after the other, leaving out those that are away."""

    def __init__(self, urls, api_key):
        self.nodes = collections.deque(Node(url, api_key) for url in urls)
        self.keys = (f"{uuid.uuid4()}-{number}" for number in itertools.count())

    def next_key(self):
        return next(self.keys)

    def publish(self, channel, value, key=None):
        """Whether some node has taken it."""
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        key = key or self.next_key()
        for _ in range(len(self.nodes)):
            self.nodes.rotate(-1)
            node = self.nodes[0]
            if node.is_ready() and node.publish(channel, body, key):
                return True
        return False

    def next_attempt(self):
        """When publishing may work again, by the monotonic clock."""
        return min(node.paused_until for node in self.nodes)
