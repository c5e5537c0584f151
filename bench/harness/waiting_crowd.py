"""A thousand connects that all wait for a backend; once they are refused, the next thousand: python3 -m harness.waiting_crowd PORT SECONDS

A process of its own, for what it does would have those wait who measure. Prints how long the waits were, in seconds at the 99th
percentile, and how many ended otherwise than for want of an answer.
"""

import socket
import sys
import time

from .polls import HANDSHAKE

CONNECTS = 1_000


def crowd(port, waits):
    """One thousand; returns how many ended otherwise."""
    request = f"GET /ws?channel=silent&session=none HTTP/1.1\r\nHost: 127.0.0.1\r\n{HANDSHAKE}\r\n".encode()
    waiting, others = [], 0
    for _ in range(CONNECTS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.sendall(request)
        waiting.append((connection, time.monotonic()))
    for connection, begin in waiting:
        told = b""
        while more := connection.recv(4_096):
            told += more
        waits.append(time.monotonic() - begin)
        others += b"4015" not in told
        connection.close()
    return others


def main(port, seconds):
    end, waits, others = time.monotonic() + seconds, [], 0
    while time.monotonic() < end:
        others += crowd(port, waits)
    waits.sort()
    print(waits[len(waits) * 99 // 100], others)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
