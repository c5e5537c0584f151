"""CometD's way: one message after the other by POST, each of which the balancer may give to another node.

The client acknowledges what it is told (extension `ack`), so nothing may be lost or doubled; with each delivery it is told the
number that stands for its position (extension `replay`). It shakes hands once: that its session was lost anywhere, or that it was
told to begin anew, is an offence.
"""

import json

from .http_request import request_head
from .poll import Poll

SEQUENCE_BITS = 12


def position(number):
    return f"{number >> SEQUENCE_BITS}-{number & ((1 << SEQUENCE_BITS) - 1)}"


class Bayeux(Poll):
    path = "/bayeux"

    def send_request(self):
        self.is_open = False
        self.sent = self.next_message()
        body = json.dumps([self.sent]).encode()
        fields = {"Content-Type": "application/json", "Content-Length": len(body)}
        if self.client.cookie:
            fields["Cookie"] = self.client.cookie
        suffix = self.sent["channel"].removeprefix("/meta")
        self.stream.write(request_head("POST", self.path + suffix, fields) + body)

    def next_message(self):
        """What comes next: it shakes hands, subscribes to all of its channels, and then connects again and again."""
        client = self.client
        if client.session is None:
            return {
                "channel": "/meta/handshake",
                "version": "1.0",
                "supportedConnectionTypes": ["long-polling"],
                "ext": {"ack": True, "replay": True},
            }
        message = {"clientId": client.session, "id": str(client.next_id())}
        if not client.has_begun:
            channels = [f"/{channel}" for channel in client.channels]
            # From the beginning of history, where the checker begins, too.
            return message | {
                "channel": "/meta/subscribe",
                "subscription": channels,
                "ext": {"replay": {channel: -2 for channel in channels}},
            }
        connect = {"channel": "/meta/connect", "connectionType": "long-polling", "ext": {"ack": client.acknowledged}}
        return message | connect

    def understand(self, body):
        return json.loads(body)

    def take_answer(self):
        if len(self.input) < self.body_count:
            return False
        messages = self.understand(bytes(self.input[: self.body_count]))
        del self.input[: self.body_count]
        self.client.take_bayeux(self.sent, messages)
        if self.is_last:
            self.end("closed")
        elif not self.ended.done():
            self.take = self.take_head
            self.send_request()
        return True
