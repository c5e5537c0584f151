"""How long it took until everyone was back whose connection a killed node took along.

Polls are left out: one that is held again says nothing until something is published.
"""


class Resumption:
    """Reads the same events as the checker."""

    def __init__(self, killed_milliseconds):
        self.killed_milliseconds = killed_milliseconds
        self.channel_counts = {}
        # Of each client that is away: channels it was not subscribed to again yet.
        self.missing = {}
        self.cut_count = 0
        self.last_milliseconds = killed_milliseconds

    def take(self, event):
        if event.kind == "client":
            transport, *channels = event.detail.split(" ")
            if transport != "/poll":
                self.channel_counts[event.client] = len(channels)
        elif event.client not in self.channel_counts or event.milliseconds < self.killed_milliseconds:
            return
        elif event.kind == "end":
            self.cut_count += event.client not in self.missing
            self.missing[event.client] = self.channel_counts[event.client]
        elif event.kind == "subscribed" and self.missing.get(event.client, 0) > 0:
            self.missing[event.client] -= 1
            self.last_milliseconds = max(self.last_milliseconds, event.milliseconds)

    @property
    def is_complete(self):
        return not any(self.missing.values())

    @property
    def seconds(self):
        return (self.last_milliseconds - self.killed_milliseconds) / 1_000
