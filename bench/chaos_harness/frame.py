"""A forever frame: a page that goes on with a script for each message."""

import json

from .json_stream import JSONStream

BEFORE, BEHIND = b"<script>p(", b")</script>"


class Frame(JSONStream):
    path = "/frame"

    def query(self):
        return super().query() + [("callback", "parent.take")]

    def take_body(self):
        for line in self.take_records(b"\n"):
            if not line.startswith(BEFORE):
                continue
            argument = line.removeprefix(BEFORE).removesuffix(BEHIND)
            if b"<" in argument:
                self.client.offend(f"not safe in a script: {argument!r}")
            # A string of JavaScript, which JSON can have, too.
            self.take_line(json.loads(json.loads(argument)))
