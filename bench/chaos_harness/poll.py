"""Polls, one after the other on a kept-alive connection: an answer counts whole or not at all."""

import json

from .transport import Transport


class Poll(Transport):
    path = "/poll"
    # A poll is held for 25 s where nothing is published.
    opening_seconds = 35

    def send_request(self):
        # Each has to be answered by itself.
        self.is_open = False
        super().send_request()

    def begin_body(self, fields):
        self.take = self.take_answer
        self.body_count = int(fields["content-length"])
        self.is_last = fields.get("connection", "").lower() == "close"

    def understand(self, body):
        return json.loads(body)

    def take_answer(self):
        if len(self.input) < self.body_count:
            return False
        answer = self.understand(bytes(self.input[: self.body_count]))
        if answer is None:
            return False
        del self.input[: self.body_count]
        self.client.take_answer(answer)
        if self.is_last:
            self.end("closed")
        elif not self.ended.done():
            self.take = self.take_head
            self.send_request()
        return True
