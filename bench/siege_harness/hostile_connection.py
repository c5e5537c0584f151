"""One connection of a hostile client: bytes as they come, and no manners."""

import asyncio
import ctypes
import socket
import struct

# With a receive buffer this small the kernel takes little on behalf of a client that reads nothing; and with segments
# of the internet's size the node's kernel does not set aside what loopback's would need.
NARROW_BUFFER_BYTES = 4_096
NARROW_SEGMENT_BYTES = 1_400
WIDE_BUFFER_BYTES = 1 << 20

SO_ATTACH_FILTER = 26
# One instruction of classic BPF, "return 0": the kernel takes nothing of any segment, and so acknowledges none.
DROP_ALL = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))


class HostileConnection:
    def __init__(self, connected):
        self.socket = connected
        self.loop = asyncio.get_running_loop()
        self.input = bytearray()

    @classmethod
    async def open(cls, port, address, is_narrow=False):
        connected = socket.socket()
        connected.setblocking(False)
        try:
            if is_narrow:
                connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BUFFER_BYTES)
                connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, NARROW_SEGMENT_BYTES)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.bind((address, 0))
            await asyncio.get_running_loop().sock_connect(connected, ("127.0.0.1", port))
        except BaseException:
            connected.close()
            raise
        return cls(connected)

    async def send(self, data):
        await self.loop.sock_sendall(self.socket, data)

    async def send_within(self, data, seconds):
        """As much as the node takes in this time."""
        try:
            await asyncio.wait_for(self.send(data), seconds)
        except asyncio.TimeoutError:
            pass

    async def receive(self, count_max=1 << 18):
        data = await self.loop.sock_recv(self.socket, count_max)
        if not data:
            raise EOFError("closed by the node")
        return data

    async def discard(self):
        """Reads for ever."""
        while True:
            await self.receive()

    async def discard_for(self, seconds):
        try:
            await asyncio.wait_for(self.discard(), seconds)
        except asyncio.TimeoutError:
            pass

    async def head(self):
        """The head of an answer, with what came behind it left in `input`: status and fields."""
        while (end := self.input.find(b"\r\n\r\n")) < 0:
            self.input += await self.receive()
        first, *lines = self.input[:end].decode("latin-1").split("\r\n")
        del self.input[: end + 4]
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return int(first.split(" ", 2)[1]), fields

    async def answer(self):
        """An answer with a counted body: its status and fields."""
        status, fields = await self.head()
        count = int(fields.get("content-length", 0))
        while len(self.input) < count:
            self.input += await self.receive()
        del self.input[:count]
        return status, fields

    def go_deaf(self):
        """From here on it is as if the network were cut: what the node sends is not even acknowledged."""
        program = struct.pack("HL", 1, ctypes.addressof(DROP_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)

    def widen(self):
        """From here on it takes much at once."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WIDE_BUFFER_BYTES)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
