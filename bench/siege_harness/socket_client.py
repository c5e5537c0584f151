"""What live clients have in common: a socket in their process's selector, and bytes that come."""

import selectors
import socket

# Small: Python sets aside as much for each call, and what is left is told of again.
RECEIVE_BYTES = 8_192


class SocketClient:
    def __init__(self, live):
        self.live = live
        self.socket = None
        self.input = bytearray()

    def connect(self, port, address):
        """Connects, without waiting; what is sent before the kernel is done waits in `output`."""
        self.input.clear()
        self.output = b""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.bind((address, 0))
        self.socket.connect_ex(("127.0.0.1", port))
        self.live.selector.register(self.socket, selectors.EVENT_READ, self.ready)

    def send(self, data):
        self.output += data
        try:
            self.output = self.output[self.socket.send(self.output) :]
        except BlockingIOError:
            pass
        except OSError as error:
            self.end(type(error).__name__)
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.output else 0)
        self.live.selector.modify(self.socket, wanted, self.ready)

    def ready(self):
        if self.output:
            self.send(b"")
            if self.socket is None:
                return
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(type(error).__name__)
            return
        if not data:
            self.end("closed")
            return
        self.input += data
        self.take()

    def end(self, reason):
        if self.socket is not None:
            self.live.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None
            self.ended(reason)

    def take(self):
        """Works off what is whole of `input`."""
        raise NotImplementedError

    def ended(self, reason):
        """The connection is gone."""
        raise NotImplementedError
