"""Publishes to nodes over HTTP, to one after the other, leaving out for a moment those that are away."""

import collections
import http.client
import json
import random
import time
import urllib.parse
import uuid

TIMEOUT_SECONDS = 5
PAUSE_SECONDS = (0.25, 2)


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
        self.url = url
        self.path = parts.path.rstrip("/") + "/channels/"
        self.connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_SECONDS)
        self.headers = {"Content-Type": "application/json"}
        if api_key:
            self.headers["Authorization"] = f"Bearer {api_key}"
        self.is_away = False
        self.paused_until = 0.0

    def publish(self, channel, body, key):
        """Publishes once; whether the node has it. The key lets the cluster know what it has already taken."""
        path, headers = self.path + urllib.parse.quote(channel), {**self.headers, "Idempotency-Key": key}
        try:
            response = self.exchange(path, body, headers)
        except (OSError, http.client.HTTPException) as error:
            return self.pause(error)
        if response.status in (401, 403):
            raise Refused(f"{self.url} answers {response.status}: is the API key right?")
        if response.status == 429 or response.status >= 500:
            return self.pause(f"{response.status} {response.reason}")
        if response.status >= 300:
            say(f"{self.url} does not take {channel}: {response.status} {response.reason}")
        self.is_away = False
        return True

    def exchange(self, path, body, headers):
        """A node may close a connection that was idle, just as we write to it: then a fresh one gets a chance at once."""
        was_open = self.connection.sock is not None
        try:
            self.connection.request("POST", path, body, headers)
            response = self.connection.getresponse()
            response.read()  # or the connection could not be used again
            return response
        except (OSError, http.client.HTTPException):
            self.connection.close()
            if not was_open:
                raise
        return self.exchange(path, body, headers)

    def pause(self, reason):
        if not self.is_away:
            say(f"{self.url} takes nothing for the moment ({reason}); trying again until it does")
        self.is_away = True
        self.paused_until = time.monotonic() + random.uniform(*PAUSE_SECONDS)
        return False


class Publisher:
    """For one thread: each has its own."""

    def __init__(self, urls, api_key):
        self.nodes = collections.deque(Node(url, api_key) for url in urls)

    def publish(self, channel, value, key=None):
        """Whether some node has taken it. Without a key it is another publication each time."""
        body = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
        key = key or str(uuid.uuid4())
        for _ in range(len(self.nodes)):
            self.nodes.rotate(-1)
            if time.monotonic() >= self.nodes[0].paused_until and self.nodes[0].publish(channel, body, key):
                return True
        return False
