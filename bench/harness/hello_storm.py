"""Clients that begin TLS handshakes at a rate, whoever answers: python3 -m harness.hello_storm PORT RATE SECONDS

Each of them asks for a session of TLS 1.3 and is gone once the server has shown its certificate: what that costs the server is all of a
handshake but a hash, and it costs this process next to nothing, so the rate is what was asked for on a machine that both share.
Prints how many were begun and how many were answered.
"""

import contextlib
import select
import socket
import ssl
import struct
import sys
import time

TURN_SECONDS = 0.005
# No answer that has a certificate in it is shorter.
ANSWER_BYTES = 500
WAITING_MAX = 4_000


def client_hello():
    """The first words of a client, as Python's own would say them."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(heard, said, server_hostname="localhost").do_handshake()
    return said.read()


def main(port, rate, seconds):
    hello, poll, waiting = client_hello(), select.epoll(), {}
    begin = due = time.monotonic()
    begun = answered = 0
    while (now := time.monotonic()) < begin + seconds:
        while due <= now and len(waiting) < WAITING_MAX:
            due += 1 / rate
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(hello)
            waiting[connection.fileno()] = connection
            poll.register(connection, select.EPOLLIN)
            begun += 1
        for number, _ in poll.poll(TURN_SECONDS, 512):
            connection = waiting.pop(number)
            with contextlib.suppress(OSError):
                answered += len(connection.recv(16_384)) >= ANSWER_BYTES
            # A reset, so that neither end keeps the connection.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    print(begun, answered)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
