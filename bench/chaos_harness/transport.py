"""What the transports have in common: one connection, a request, an answer whose body is taken as it comes.

Everything that arrives is worked off within `data_received`, without waiting for anything: what a client has processed
and the cursor it keeps can never differ, wherever the connection is cut.
"""

import asyncio
import socket
import struct
import zlib
from urllib.parse import quote, urlencode

from .http_request import parse_head, request_head

# What zlib is told of a body of each content coding.
WINDOW_BITS = {"gzip": 31, "deflate": 15}

# With a receive buffer this small the kernel takes little on behalf of a reader that reads nothing.
NARROW_BUFFER_BYTES = 4_096


class Transport(asyncio.Protocol):
    path = ""
    expected_status = 200
    # Time in which a sign of life must come after the request, and between two signs of life later. The nodes'
    # heartbeat is 25 s.
    opening_seconds = 5
    silence_seconds = 40

    def __init__(self, client):
        self.client = client
        self.loop = asyncio.get_running_loop()
        self.input = bytearray()
        self.take = self.take_head
        self.ended = self.loop.create_future()
        self.last_heard = self.loop.time()
        self.is_open = False

    @classmethod
    async def open(cls, client):
        """Connects and sends the request; raises OSError if nobody listens."""
        connected = socket.socket()
        connected.setblocking(False)
        try:
            if client.is_narrow:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BUFFER_BYTES)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(connected, ("127.0.0.1", client.port))
            _, transport = await loop.create_connection(lambda: cls(client), sock=connected)
        except BaseException:
            connected.close()
            raise
        return transport

    # The connection

    def connection_made(self, stream):
        self.stream = stream
        self.client.transport = self
        self.send_request()

    def data_received(self, data):
        self.last_heard = self.loop.time()
        self.input += data
        try:
            # A step that took nothing waits for more; one that ended the connection leaves the rest unread.
            while self.input and not self.ended.done() and self.take():
                pass
        except Exception as error:
            self.client.offend(f"cannot be understood: {error!r} at {bytes(self.input[:80])!r}")
            self.reset("not understood")

    def connection_lost(self, error):
        self.finish("lost" if error else "closed")

    def finish(self, reason):
        if not self.ended.done():
            self.ended.set_result(reason)

    def end(self, reason):
        """Ends it in order; what has not been taken by now never is."""
        self.finish(reason)
        self.stream.close()

    def reset(self, reason):
        """Ends it as a vanishing client does: the other side gets a RST. One that has ended may have no socket any more."""
        if self.ended.done():
            return
        self.finish(reason)
        connected = self.stream.get_extra_info("socket")
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.stream.abort()

    def pause(self):
        if not self.ended.done():
            self.stream.pause_reading()

    def go_on(self):
        if not self.ended.done():
            self.last_heard = self.loop.time()
            self.stream.resume_reading()

    def check_patience(self, now):
        allowed = self.silence_seconds if self.is_open else self.opening_seconds
        if not self.ended.done() and now - self.last_heard > allowed:
            self.reset("silent" if self.is_open else "unanswered")

    # The request

    def send_request(self):
        fields = self.request_fields()
        if self.client.takes_compressed:
            fields["Accept-Encoding"] = self.client.content_coding
        if self.client.cookie:
            fields["Cookie"] = self.client.cookie
        self.stream.write(request_head("GET", self.target(), fields))

    def target(self):
        return f"{self.path}?{urlencode(self.query(), quote_via=quote)}"

    def query(self):
        token = [("session", self.client.session)] if self.client.session else []
        if self.client.shows_only_token:
            return token
        channels = [("channel", channel) for channel in self.client.channels]
        channels += [("max-rate", self.client.max_rate)] if self.client.max_rate else []
        cursor = [("cursor", self.client.cursor)] if self.client.cursor else []
        return channels + cursor + token

    def request_fields(self):
        return {}

    # The answer. Each `take_…` takes one step of the input and says whether it could.

    def take_head(self):
        end = self.input.find(b"\r\n\r\n")
        if end < 0:
            return False
        status, fields = parse_head(bytes(self.input[:end]))
        del self.input[: end + 4]
        if status != self.expected_status:
            self.client.refused(status)
            self.end(f"status {status}")
            return False
        if "perseid-session" in fields:
            self.client.remember_session(fields["perseid-session"])
        if "set-cookie" in fields:
            self.client.remember_cookie(fields["set-cookie"])
        self.begin_body(fields)
        return True

    def begin_body(self, fields):
        self.take = self.take_chunk if fields.get("transfer-encoding") == "chunked" else self.take_rest
        self.body = bytearray()
        # Also checks what stands at the end of it.
        coding = fields.get("content-encoding")
        self.inflater = zlib.decompressobj(WINDOW_BITS[coding]) if coding else None

    def inflated(self, piece):
        return self.inflater.decompress(piece) if self.inflater else piece

    def take_rest(self):
        self.body += self.inflated(self.input)
        self.input.clear()
        self.take_body()
        return True

    def take_chunk(self):
        line_end = self.input.find(b"\r\n")
        if line_end < 0:
            return False
        count = int(self.input[:line_end], 16)
        end = line_end + 2 + count
        if len(self.input) < end + 2:
            return False
        self.body += self.inflated(self.input[line_end + 2 : end])
        del self.input[: end + 2]
        if count:
            self.take_body()
        else:
            self.end("closed")
        return True

    def take_bye(self, code):
        self.client.closed(code)
        self.end(f"bye {code}")

    def take_body(self):
        """Takes what is whole from the front of `self.body`."""
        raise NotImplementedError

    def take_records(self, separator):
        """The whole records of the body, each taken out before it is worked off."""
        while not self.ended.done():
            end = self.body.find(separator)
            if end < 0:
                return
            record = bytes(self.body[:end])
            del self.body[: end + len(separator)]
            yield record
