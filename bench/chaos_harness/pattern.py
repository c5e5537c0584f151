"""A WebSocket that reads all channels of a kind by one pattern: it is told of each as if it had asked for it."""

from urllib.parse import quote

from .web_socket import WebSocket

# Before everything: the client wants all that there ever was of a channel it says nothing of.
BEGINNING = "1-0"


class Pattern(WebSocket):
    path = "/ws"

    def query(self):
        client = self.client
        moved = {channel: position for channel, position in client.positions.items() if position != "0-0"}
        entries = moved | {client.pattern: BEGINNING}
        cursor = ",".join(f"{quote(channel, safe='')}@{entries[channel]}" for channel in sorted(entries))
        token = [("session", client.session)] if client.session else []
        return [("channel", client.pattern), ("cursor", cursor)] + token

    def take_text(self, message):
        if message["type"] != "subscribed":
            return super().take_text(message)
        if message["channel"] != self.client.pattern or message["position"] != BEGINNING:
            self.client.offend(f"subscribed to something else: {message}")
        # Of all channels together; a gap follows for each that lacks something, and the others must go on where they were.
        recovered = "true" if "recovered" in message else ""
        for channel in self.client.channels:
            position = self.client.positions.setdefault(channel, "0-0")
            self.client.note("subscribed", channel, position, recovered)
