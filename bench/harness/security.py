"""TLS: what an idle WebSocket takes, what a delivery costs beside one in plain and one behind HAProxy, and who waits for a storm of
handshakes."""

import contextlib
import pathlib
import select
import socket
import ssl
import subprocess
import sys
import time

from . import live
from .bayeux import memory
from .polls import HANDSHAKE, processor_seconds
from .process import Process, accepts, free_port

READERS = 2_000
RATE = 10
ROUNDS = 5
ROUND_SECONDS = 3
WARM_UP = 200
CHANNEL = "bench-tls"
PAYLOAD = b"x" * 64
STORM_SECONDS = 8
STORM_RATE = 2_000

HAPROXY = """
global
    nbthread 1
    maxconn 9000
    no strict-limits
    tune.ssl.default-dh-param 2048
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    timeout tunnel 1h
    option http-no-delay
frontend tls
    bind 127.0.0.1:{port} ssl crt {certificate} alpn http/1.1
    default_backend node
backend node
    server node 127.0.0.1:{node}
"""


def make_certificate(directory):
    """A certificate for localhost and its key, each in a file and both in one, as HAProxy has them."""
    key, chain, both = (directory / name for name in ("tls.key", "tls.pem", "both.pem"))
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -days 2".split()
    subprocess.run(command + ["-keyout", key, "-out", chain], check=True, capture_output=True)
    both.write_text(chain.read_text() + key.read_text())
    return chain, key


class Readers:
    """WebSockets of one channel. What comes once they are open is not decrypted here: only the server's time is measured."""

    def __init__(self, port, is_secure, count, channel=CHANNEL):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.connections = []
        self.poll = select.epoll()
        for _ in range(count):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secured = context.wrap_socket(connection, server_hostname="localhost") if is_secure else connection
            target = f"/ws?channel={channel}&session=none"
            secured.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{HANDSHAKE}\r\n".encode())
            told = b""
            while b'"type":"subscribed"' not in told:
                told += secured.recv(4_096)
            plain = socket.socket(fileno=secured.detach())
            plain.setblocking(False)
            self.connections.append(plain)
            self.poll.register(plain, select.EPOLLIN)
        self.by_number = {connection.fileno(): connection for connection in self.connections}

    def close(self):
        for connection in self.connections:
            connection.close()
        self.poll.close()

    def drain(self, seconds):
        """Takes what comes for a while; returns how many receives that were."""
        end, count = time.monotonic() + seconds, 0
        while (left := end - time.monotonic()) > 0:
            for number, _ in self.poll.poll(left, 4_096):
                self.by_number[number].recv(65_536)
                count += 1
        return count


def deliveries(port):
    return live.metric(port, "perseid_deliveries_total")


def fan_out(readers, port, processes):
    """CPU of processes in microseconds per delivery."""
    publisher = live.Publisher(port, RATE, CHANNEL, lambda: PAYLOAD)
    readers.drain(1)
    before, told = sum(map(processor_seconds, processes)), deliveries(port)
    readers.drain(ROUND_SECONDS)
    spent, count = sum(map(processor_seconds, processes)) - before, deliveries(port) - told
    publisher.stop()
    readers.drain(0.5)
    if count < READERS * RATE * ROUND_SECONDS * 0.9:
        raise RuntimeError(f"{count} deliveries, which are too few")
    return spent * 1e6 / count


def storm(port, secure_port):
    """The 99th percentile of latencies in peace, and while others begin handshakes at a rate; and how many were answered a second."""
    quiet = live.late(port, secure_port, STORM_SECONDS, is_secure=True)
    seconds = STORM_SECONDS + 2
    others = subprocess.Popen(
        ["nice", "-n", "10", sys.executable, "-m", "harness.hello_storm"]
        + [str(secure_port), str(STORM_RATE), str(seconds)],
        cwd=pathlib.Path(__file__).parent.parent, stdout=subprocess.PIPE,
    )
    time.sleep(1)
    stormy = live.late(port, secure_port, STORM_SECONDS, is_secure=True)
    begun, answered = map(int, others.communicate()[0].split())
    found = {"quiet": quiet, "stormy": stormy, "storm_times": stormy / quiet}
    return found | {"offered": begun / seconds, "handshakes": answered / seconds}


def measure(server):
    """Bytes of an idle WebSocket with TLS; CPU in microseconds of a delivery in plain, with TLS, and with HAProxy's; the storm."""
    port, secure_port, node = server.ports[0], server.secure_port, server.processes[0]
    haproxy_port = free_port()
    file = server.directory / "haproxy.cfg"
    file.write_text(HAPROXY.format(port=haproxy_port, node=port, certificate=server.directory / "both.pem"))
    haproxy = Process(["haproxy", "-db", "-f", str(file)], server.directory / "haproxy.log", server.cores)
    haproxy.wait_until(lambda: accepts(haproxy_port), "HAProxy")
    try:
        # Those before stay: what one that is gone gives back would be taken for memory that the next does not need.
        with contextlib.closing(Readers(secure_port, True, WARM_UP)):
            time.sleep(1)
            before = memory(node)
            with contextlib.closing(Readers(secure_port, True, READERS)):
                time.sleep(2)
                idle = (memory(node) - before) / READERS
        spent = {"plain": [], "tls": [], "haproxy": []}
        for _ in range(ROUNDS):
            for kind, at, processes in (
                ("plain", port, [node]), ("tls", secure_port, [node]), ("haproxy", haproxy_port, [node, haproxy]),
            ):
                with contextlib.closing(Readers(at, kind != "plain", READERS)) as readers:
                    spent[kind].append(fan_out(readers, port, processes))
    finally:
        haproxy.stop()
    middle = {kind: sorted(times)[len(times) // 2] for kind, times in spent.items()}
    return (
        {"tls_bytes": idle, "plain_cpu": middle["plain"], "tls_cpu": middle["tls"], "haproxy_cpu": middle["haproxy"]}
        | {"tls_times": middle["tls"] / middle["haproxy"]}
        | storm(port, secure_port)
    )
