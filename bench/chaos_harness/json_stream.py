"""Lines of JSON, each with the cursor."""

import json

from .transport import Transport


class JSONStream(Transport):
    path = "/stream"

    def take_body(self):
        for line in self.take_records(b"\n"):
            # An empty line is a heartbeat.
            if line.strip():
                self.take_line(json.loads(line))

    def take_line(self, message):
        cursor = message.get("cursor")
        if cursor is None and message["type"] in ("subscribed", "message", "gap"):
            self.client.offend(f"no cursor: {message}")
        self.client.take(message, cursor)
