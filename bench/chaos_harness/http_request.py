"""HTTP/1.1 for publishers and checks: one kept-alive connection, one request after the other."""

import asyncio
from dataclasses import dataclass


@dataclass
class HTTPAnswer:
    status: int
    fields: dict
    body: bytes


class HTTPConnection:
    """Connects when it is needed; after a failure the next request starts with a new connection."""

    def __init__(self, port):
        self.port = port
        self.writer = None

    async def request(self, method, target, fields=None, body=b"", within_seconds=5):
        """The answer; raises OSError or EOFError if it is not known what became of the request."""
        try:
            return await asyncio.wait_for(self._ask(method, target, fields or {}, body), within_seconds)
        except asyncio.TimeoutError:
            self.close()
            raise ConnectionError("no answer in time") from None
        except BaseException:
            self.close()
            raise

    async def _ask(self, method, target, fields, body):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writer.write(request_head(method, target, fields | {"Content-Length": len(body)}) + body)
        status, answered = parse_head(await self.reader.readuntil(b"\r\n\r\n"))
        answer = HTTPAnswer(status, answered, await self.reader.readexactly(int(answered["content-length"])))
        if answered.get("connection", "").lower() == "close":
            self.close()
        return answer

    def close(self):
        if self.writer:
            self.writer.close()
        self.writer = None


def request_head(method, target, fields):
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost"] + [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines + ["", ""]).encode()


def parse_head(head):
    """Status and fields, with names in lower case."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            fields[name.lower()] = value.strip()
    return int(first.split(" ", 2)[1]), fields
