"""A node that is none: takes WebSockets of a crowd and sends each what a script says, faults and all."""

import socket
import threading

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def frame(text):
    payload = text.encode()
    if len(payload) < 126:
        return bytes([0x81, len(payload)]) + payload
    return bytes([0x81, 126, *len(payload).to_bytes(2, "big")]) + payload


def subscribed(channel="all", recovered=None):
    word = "" if recovered is None else f',"recovered":{str(recovered).lower()}'
    return f'{{"type":"subscribed","channel":"{channel}","position":"0-0"{word}}}'


def publication(sequence, channel="all", number=0):
    data = f"{number:08x}{sequence:08x}{0:016x}"
    return f'{{"type":"message","channel":"{channel}","position":"{sequence}-0","data":"{data}"}}'


class FakeNode:
    def __init__(self, messages):
        """`messages`: what each client is sent once it has asked."""
        self.bytes = ANSWER + b"".join(map(frame, messages))
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.links = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            self.links.append(link)
            request = b""
            while b"\r\n\r\n" not in request and (piece := link.recv(65_536)):
                request += piece
            # In pieces, so that no message is whole at first.
            for begin in range(0, len(self.bytes), 50):
                link.sendall(self.bytes[begin : begin + 50])

    def close(self):
        self.listener.close()
        for link in self.links:
            link.close()
