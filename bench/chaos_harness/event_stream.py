"""An event stream, read as a browser's EventSource does: the `id:` line is the cursor."""

import json

from .transport import Transport


class EventStream(Transport):
    path = "/sse"

    def begin_body(self, fields):
        super().begin_body(fields)
        # The last `subscribed` has the stream's first `id:`; until then the client stands where it stood.
        self.untaken = []

    def query(self):
        return [(name, value) for name, value in super().query() if name != "cursor"]

    def request_fields(self):
        return {"Last-Event-ID": self.client.cursor} if self.client.cursor else {}

    def take_body(self):
        for event in self.take_records(b"\n\n"):
            self.take_event(event.decode())

    def take_event(self, event):
        cursor, data = None, []
        for line in event.split("\n"):
            name, _, value = line.partition(": ")
            if name == "id":
                cursor = value
            elif name == "data":
                data.append(value)
            elif name == "retry":
                self.client.retry_seconds = int(value) / 1_000
        self.take_message(json.loads("\n".join(data)), cursor)

    def take_message(self, message, cursor):
        if message["type"] == "subscribed":
            self.untaken.append(message)
            if cursor is not None:
                for message in self.untaken:
                    self.client.take(message, cursor)
                self.untaken = []
        elif message["type"] in ("message", "gap") and cursor is None:
            self.client.offend(f"no id: {message}")
        else:
            self.client.take(message, cursor)
