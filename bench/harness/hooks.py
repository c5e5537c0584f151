"""A backend that never answers: who waits for it, what they take, and whether others notice."""

import json
import socket
import threading
import time

from . import live
from .bayeux import memory
from .polls import HANDSHAKE

CONNECTS = 1_000
TIMEOUT_MILLISECONDS = 1_000
SECONDS = 8


def settings(directory, port):
    """A file of settings with a hook for connects whose breaker never opens: every question waits."""
    file = directory / "perseid.yaml"
    hook = {"url": f"http://127.0.0.1:{port}/", "timeout": TIMEOUT_MILLISECONDS, "breaker-failures": 1_000_000}
    file.write_text(json.dumps({"hooks": {"connect": hook | {"requests": CONNECTS}}}))
    return file


class Crowd(threading.Thread):
    """A thousand connects that all wait; once they are refused, the next thousand."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.is_over, self.waits, self.others = port, threading.Event(), [], 0
        self.start()

    def run(self):
        request = f"GET /ws?channel=silent&session=none HTTP/1.1\r\nHost: 127.0.0.1\r\n{HANDSHAKE}\r\n".encode()
        while not self.is_over.is_set():
            waiting = []
            for _ in range(CONNECTS):
                connection = socket.create_connection(("127.0.0.1", self.port))
                connection.sendall(request)
                waiting.append((connection, time.monotonic()))
            for connection, begin in waiting:
                told = b""
                while more := connection.recv(4_096):
                    told += more
                self.waits.append(time.monotonic() - begin)
                # Refused for want of an answer, and for no other reason.
                self.others += b"4015" not in told
                connection.close()

    def stop(self):
        self.is_over.set()
        self.join()


def measure(server):
    port, node = server.ports[0], server.processes[0]
    quiet = live.late(port, port, SECONDS, is_secure=False)
    before = memory(node)
    crowd = Crowd(port)
    time.sleep(1)
    waited = live.late(port, port, SECONDS, is_secure=False)
    held = memory(node) - before
    crowd.stop()
    waits = sorted(crowd.waits)
    return {
        "quiet": quiet,
        "beside": waited,
        "beside_times": waited / quiet,
        "refused_seconds": waits[len(waits) * 99 // 100],
        "otherwise": crowd.others,
        "held": held / CONNECTS,
    }
