"""A WebSocket whose channels come by its query, by commands, or both."""

import base64
import json
import os
import struct
import zlib

from .transport import Transport

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
COMPRESSED = 0x40
# What a message leaves out of its end, RFC 7692.
TAIL = b"\x00\x00\xff\xff"
ALREADY_SUBSCRIBED = 409


def masked_frame(opcode, payload):
    """A client's frame; up to 65,535 bytes are enough here."""
    mask = os.urandom(4)
    count = len(payload)
    size = struct.pack("!B", 0x80 | count) if count < 126 else struct.pack("!BH", 0xFE, count)
    return bytes([0x80 | opcode]) + size + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


class WebSocket(Transport):
    path = "/ws"
    expected_status = 101

    def query(self):
        commanded = self.client.commanded_channels
        given = super().query()
        return [(name, value) for name, value in given if name != "channel" or value not in commanded]

    def request_fields(self):
        # What is welcomed is told another token perhaps; what counts is what was shown.
        self.came_with_session = self.client.session is not None
        key = base64.b64encode(os.urandom(16)).decode()
        version = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
        offer = {"Sec-WebSocket-Extensions": "permessage-deflate"} if self.client.takes_compressed else {}
        return {"Connection": "Upgrade", "Upgrade": "websocket"} | version | offer

    def begin_body(self, fields):
        self.take = self.take_frame
        self.inflater = zlib.decompressobj(-15) if "sec-websocket-extensions" in fields else None
        self.commands = {}

    def take_frame(self):
        frame = self.input
        if len(frame) < 2:
            return False
        first, count, start = frame[0], frame[1], 2
        if count >= 126:
            start = 4 if count == 126 else 10
            if len(frame) < start:
                return False
            count = int.from_bytes(frame[2:start], "big")
        if len(frame) < start + count:
            return False
        payload = bytes(frame[start : start + count])
        del frame[: start + count]
        self.take_message(first, payload)
        return True

    def take_message(self, first, payload):
        if first == 0x80 | TEXT:
            self.take_text(json.loads(payload))
        elif first == 0x80 | COMPRESSED | TEXT and self.inflater:
            self.take_text(json.loads(self.inflater.decompress(payload + TAIL)))
        elif first == 0x80 | PING:
            self.stream.write(masked_frame(PONG, payload))
        elif first == 0x80 | CLOSE:
            code = int.from_bytes(payload[:2], "big")
            self.client.closed(code)
            self.stream.write(masked_frame(CLOSE, payload[:2]))
            self.end(f"close {code}")
        elif first != 0x80 | PONG:
            # A pong that nobody asked for is a heartbeat.
            self.client.offend(f"a frame that begins with {first:#x}")

    def take_text(self, message):
        if message["type"] == "welcome":
            self.client.take(message)
            self.send_commands()
        elif message["type"] == "error":
            self.take_error(message)
        else:
            if "id" in message and self.commands.get(message["id"]) != message.get("channel"):
                self.client.offend(f"an answer to another command: {message}")
            self.client.take(message)

    def take_bye(self, code):
        """A close frame with the same code follows, and its answer tells the node that all before has arrived."""

    def take_error(self, message):
        if message["code"] == ALREADY_SUBSCRIBED and self.came_with_session:
            # The session remembered the channel.
            return
        if message["code"] != 503:
            self.client.offend(f"refused: {message}")
        # It does not say for which channel, so all come anew.
        self.end(f"error {message['code']}")

    def send_commands(self):
        if self.client.shows_only_token:
            return
        for number, channel in enumerate(sorted(self.client.commanded_channels)):
            command = {"type": "subscribe", "id": number, "channel": channel}
            if channel in self.client.positions:
                command["since"] = self.client.positions[channel]
            self.commands[number] = channel
            self.stream.write(masked_frame(TEXT, json.dumps(command).encode()))
