"""A Redis client, as small as a backend's could be: one connection, one command after the other."""

import asyncio

from .channel_kind import told
from .journal import condensed

ANSWER_SECONDS = 5
# Entries in one read: few, because the payloads of a flood are large; and a busy machine takes its time for so many megabytes.
PAGE_COUNT = 200
PAGE_SECONDS = 60


class RedisError(Exception):
    """What Redis refused, in its own words."""


class RedisClient:
    """Connects when it is needed; after a failure the next command starts with a new connection."""

    def __init__(self, port):
        self.port = port
        self.writer = None
        # Faults and publishers share one: an answer is read by who asked.
        self.turn = asyncio.Lock()

    async def command(self, *words, is_asking=False, within_seconds=ANSWER_SECONDS):
        """The answer; raises RedisError for a refusal, and OSError or EOFError if it is not known what became of it. With
        `is_asking` a cluster's node answers for a slot that is on its way to it."""
        async with self.turn:
            return await self._command(words, is_asking, within_seconds)

    async def _command(self, words, is_asking, within_seconds):
        try:
            return await asyncio.wait_for(self._ask(words, is_asking), within_seconds)
        except RedisError:
            raise
        except asyncio.TimeoutError:
            self.close()
            raise ConnectionError("Redis does not answer") from None
        except BaseException:
            self.close()
            raise

    async def _ask(self, words, is_asking):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        if is_asking:
            self.writer.write(b"ASKING\r\n")
        parts = [str(word).encode() for word in words]
        self.writer.write(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        if is_asking:
            await self._read()
        return await self._read()

    async def _read(self):
        line = await self.reader.readuntil(b"\r\n")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else (await self.reader.readexactly(int(rest) + 2))[:-2].decode()
        if kind == b"*":
            return await self._read_list(int(rest))
        if kind == b"-":
            raise RedisError(rest.decode())
        raise ConnectionError(f"not RESP: {line!r}")

    async def _read_list(self, count):
        # A refusal inside a list is no refusal of the command, and none of the commands here has one.
        return [await self._read() for _ in range(count)]

    def close(self):
        if self.writer:
            self.writer.close()
        self.writer = None


def channel_key(channel):
    return "perseid:{%s}" % channel


async def read_stream(client, channel):
    """All that Redis has of a channel, oldest first: position, previous position, condensed payload."""
    entries, after = [], "-"
    while True:
        words = ["XRANGE", channel_key(channel), after, "+", "COUNT", PAGE_COUNT]
        rows = await client.command(*words, within_seconds=PAGE_SECONDS)
        for position, fields in rows:
            values = dict(zip(fields[::2], fields[1::2]))
            payload = told(values.get("k", ""), condensed(values.get("p", "")))
            entries.append((position, values.get("v", "0-0"), payload))
        if len(rows) < PAGE_COUNT:
            return entries
        after = "(" + rows[-1][0]
