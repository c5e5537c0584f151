"""What it costs a node that an operator looks at its console, while others publish and read."""

import contextlib
import http.client
import json
import socket
import statistics
import threading
import time

from .polls import processor_seconds

# Publications a second, to ten channels with a reader each, in requests of ten lines.
RATE = 1_000
CHANNELS = 10
# Windows without and with a console take turns, so that a slow minute is in both.
WINDOWS = 6
WINDOW_SECONDS = 5
# A node that nobody listened to may take three seconds until it speaks; what it does then first is not what is measured.
SETTLE_SECONDS = 5


class Publisher(threading.Thread):
    """Publishes lines in one request that never ends, at a rate, until it is told to stop."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.is_over, self.count = port, threading.Event(), 0
        self.start()

    def run(self):
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(b"POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        threading.Thread(target=self.read, args=(connection,), daemon=True).start()
        due = time.monotonic()
        while not self.is_over.is_set():
            lines = "".join(json.dumps({"channel": f"live/{number}", "data": {"number": self.count}}) + "\n" for number in range(CHANNELS))
            connection.sendall(f"{len(lines):x}\r\n{lines}\r\n".encode())
            self.count += CHANNELS
            due += CHANNELS / RATE
            time.sleep(max(0, due - time.monotonic()))
        connection.close()

    def read(self, connection):
        with contextlib.suppress(OSError):
            while connection.recv(65_536):
                pass

    def stop(self):
        self.is_over.set()
        self.join()


class Stream(threading.Thread):
    """An event stream that is read until it is closed."""

    def __init__(self, port, channel):
        super().__init__(daemon=True)
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.request("GET", f"/sse?session=none&channel={channel}")
        # It ends when the node does, or this does.
        self.answer, self.socket, self.byte_count = None, self.connection.sock, 0
        self.answer = self.connection.getresponse()
        self.start()

    def run(self):
        with contextlib.suppress(OSError, http.client.HTTPException, AttributeError, ValueError):
            while text := self.answer.read1(65_536):
                self.byte_count += len(text)

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.connection.close()


def share(server, seconds):
    """The part of a core that the node takes, in percent."""
    before, start = processor_seconds(server.processes[0]), time.monotonic()
    time.sleep(seconds)
    return (processor_seconds(server.processes[0]) - before) / (time.monotonic() - start) * 100


def measure(server, is_quick):
    port = server.ports[0]
    publisher = Publisher(port)
    readers = [Stream(port, f"live%2F{number}") for number in range(CHANNELS)]
    without, looked = [], []
    start, count = time.monotonic(), publisher.count
    for _ in range(2 if is_quick else WINDOWS):
        time.sleep(SETTLE_SECONDS)
        without.append(share(server, WINDOW_SECONDS))
        console = Stream(port, "%24nodes")
        time.sleep(SETTLE_SECONDS)
        told = console.byte_count
        looked.append(share(server, WINDOW_SECONDS))
        if console.byte_count == told:
            raise RuntimeError("the node says nothing of itself")
        console.stop()
    rate = (publisher.count - count) / (time.monotonic() - start)
    publisher.stop()
    for reader in readers:
        reader.stop()
    return {
        "unwatched": statistics.median(without),
        "watched": statistics.median(looked),
        "console": statistics.median(one - other for one, other in zip(looked, without)),
        "published": rate,
    }
