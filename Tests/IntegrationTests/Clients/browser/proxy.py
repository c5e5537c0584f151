"""A proxy that stands in a client's way, as proxies, firewalls and scanners of viruses do."""

import asyncio
import re
import threading


class Proxy:
    """Passes on what comes at `port` to one of the nodes, or not.

    `websocket`: what happens to a request for a WebSocket: "pass", "refuse" it with 502, or "hang" and never answer it.
    `accepts`: what it says clients accept as `Accept-Encoding`, whatever they say.
    `buffers`: whether an answer is held back until all of it is there, so that one without an end never is.
    `upstream`: the node's port. `turn` changes it and cuts all connections, as if the node had died.
    `websocket_count`: how many requests for a WebSocket came.
    """

    def __init__(self, upstream, websocket="pass", buffers=False, accepts=None):
        self.upstream, self.websocket, self.buffers, self.accepts = upstream, websocket, buffers, accepts
        self.websocket_count = 0
        self.writers = set()
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self._run, args=(started,), daemon=True).start()
        started.wait()

    def _run(self, started):
        async def serve():
            server = await asyncio.start_server(self._pass, "127.0.0.1", 0, limit=1 << 20)
            self.port = server.sockets[0].getsockname()[1]
            started.set()
            await server.serve_forever()

        self.loop.run_until_complete(serve())

    def turn(self, upstream):
        self.upstream = upstream
        self.loop.call_soon_threadsafe(self.cut)

    def cut(self):
        for writer in list(self.writers):
            writer.transport.abort()

    async def _pass(self, reader, writer):
        self.writers.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            is_websocket = b"upgrade: websocket" in head.lower()
            self.websocket_count += is_websocket
            if is_websocket and self.websocket == "refuse":
                writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            if is_websocket and self.websocket == "hang":
                await asyncio.sleep(3600)
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
            self.writers.add(up_writer)
            # One request for a connection: so the end of an answer is the end of the connection.
            if not is_websocket:
                head = head.replace(b"Connection: keep-alive", b"Connection: close")
            if self.accepts is not None:
                head = re.sub(rb"(?im)^accept-encoding:[^\r]*", b"Accept-Encoding: " + self.accepts.encode(), head)
            up_writer.write(head)
            hold = self.buffers and not is_websocket
            await asyncio.gather(self._copy(reader, up_writer, False), self._copy(up_reader, writer, hold))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.writers.discard(writer)

    async def _copy(self, reader, writer, hold):
        held = b""
        try:
            while data := await reader.read(65_536):
                held += data
                if not hold:
                    writer.write(held)
                    await writer.drain()
                    held = b""
            writer.write(held)
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
            self.writers.discard(writer)
