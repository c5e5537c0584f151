"""A document in parts: the cursor is a field of each part, which tells its length."""

import json

from .event_stream import EventStream
from .http_request import parse_head


class Multipart(EventStream):
    path = "/multipart"

    def begin_body(self, fields):
        super().begin_body(fields)
        self.delimiter = b"--" + fields["content-type"].partition("boundary=")[2].encode() + b"\r\n"
        self.has_begun = False

    def take_body(self):
        if not self.has_begun:
            self.has_begun = self.take_exactly(self.delimiter)
        while self.has_begun and not self.ended.done() and self.take_part():
            pass

    def take_exactly(self, expected):
        if len(self.body) < len(expected):
            return False
        if not self.body.startswith(expected):
            raise ValueError(f"no delimiter: {bytes(self.body[:80])!r}")
        del self.body[: len(expected)]
        return True

    def take_part(self):
        """Takes a part once the delimiter behind it is there: a browser shows it then."""
        end = self.body.find(b"\r\n\r\n")
        if end < 0:
            return False
        _, fields = parse_head(b"HTTP/1.1 200 \r\n" + bytes(self.body[:end]))
        start, count = end + 4, int(fields["content-length"])
        rest = b"\r\n" + self.delimiter
        if len(self.body) < start + count + len(rest):
            return False
        message = json.loads(bytes(self.body[start : start + count]))
        del self.body[: start + count]
        self.take_exactly(rest)
        cursor = fields.get("perseid-cursor")
        if message.get("cursor") != cursor:
            self.client.offend(f"the part's cursor is {cursor}: {message}")
        self.take_message(message, cursor)
        return True
