#!/usr/bin/env python3
"""What clients of HTTP/2 may do that no browser does. Arguments: what, port of the balancer, port of a node."""

import http.client
import json
import socket
import ssl
import sys
import time

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes, Settings

CANCEL = 8


class Client:
    """One connection. `status`, `body` and `ended` are those of each stream, by its number."""

    def __init__(self, port, settings=None):
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"])
        self.socket = context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="localhost")
        assert self.socket.selected_alpn_protocol() == "h2"
        self.port = port
        self.connection = H2Connection(H2Configuration(header_encoding="utf-8"))
        if settings:
            self.connection.local_settings = Settings(client=True, initial_values=settings)
        self.connection.initiate_connection()
        self.status, self.body, self.ended = {}, {}, set()
        self.flush()

    def ask(self, target, fields=()):
        stream = self.connection.get_next_available_stream_id()
        head = [(":method", "GET"), (":scheme", "https"), (":authority", f"localhost:{self.port}"), (":path", target)]
        self.connection.send_headers(stream, head + list(fields), end_stream=True)
        self.body[stream] = b""
        self.flush()
        return stream

    def flush(self):
        self.socket.settimeout(10)
        self.socket.sendall(self.connection.data_to_send())

    def read(self, seconds):
        """What comes within a time, or `None`. Windows are opened by `take`, and not before."""
        self.socket.settimeout(max(seconds, 0.001))
        try:
            data = self.socket.recv(65_536)
        except (TimeoutError, ssl.SSLWantReadError):
            return
        assert data, "the balancer closed the connection"
        for event in self.connection.receive_data(data):
            if isinstance(event, ResponseReceived):
                self.status[event.stream_id] = int(dict(event.headers)[":status"])
            elif isinstance(event, DataReceived):
                self.body[event.stream_id] += event.data
                self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, (StreamEnded, StreamReset)):
                self.ended.add(event.stream_id)
            assert not isinstance(event, ConnectionTerminated), event
        self.flush()

    def wait(self, is_so, seconds=90):
        end = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < end, (self.status, {key: value[-200:] for key, value in self.body.items()})
            self.read(end - time.monotonic())


def publish(port, channel, *values):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    lines = "".join(json.dumps({"channel": channel, "data": value}) + "\n" for value in values)
    connection.request("POST", "/publish", lines)
    assert connection.getresponse().read().count(b'"position"') == len(values)
    connection.close()


def resets(port, node):
    """Requests that are given up at once, 10,000 of them; whoever else is there reads on."""
    reader = Client(port)
    calm = reader.ask("/sse?channel=calm")
    reader.wait(lambda: b"subscribed" in reader.body[calm])
    hostile = Client(port)
    for number in range(10_000):
        stream = hostile.connection.get_next_available_stream_id()
        head = [(":method", "GET"), (":scheme", "https"), (":authority", f"localhost:{port}"), (":path", "/sse?channel=calm")]
        hostile.connection.send_headers(stream, head, end_stream=True)
        hostile.connection.reset_stream(stream, CANCEL)
        if number % 50 == 49:
            hostile.flush()
            hostile.socket.settimeout(0)
            try:
                hostile.connection.receive_data(hostile.socket.recv(65_536))
            except (BlockingIOError, ssl.SSLWantReadError):
                pass
    # Those after it are refused, and told why.
    late = hostile.ask("/sse?channel=calm")
    hostile.wait(lambda: late in hostile.ended)
    assert hostile.status[late] == 429 and b'"code":429' in hostile.body[late], (hostile.status, hostile.body)
    publish(node, "calm", *range(100))
    reader.wait(lambda: b'"data":99}' in reader.body[calm])


def unread(port, node):
    """A stream that takes nothing holds up no other of its connection, and goes on where it was."""
    client = Client(port, {SettingCodes.INITIAL_WINDOW_SIZE: 0})
    full, calm = client.ask("/sse?channel=full"), client.ask("/sse?channel=calm")
    client.connection.increment_flow_control_window(1_000_000, calm)
    client.flush()
    client.wait(lambda: b"subscribed" in client.body[calm] and full in client.status)
    for number in range(100):
        publish(node, "full", *[f"{number * 3 + each} " + "x" * 2_000 for each in range(3)])
        publish(node, "calm", number)
    client.wait(lambda: b'"data":99}' in client.body[calm])
    assert not client.body[full]
    client.connection.increment_flow_control_window(2_000_000, full)
    client.connection.increment_flow_control_window(2_000_000)
    client.flush()
    client.wait(lambda: client.body[full].endswith(b"\n\n") and b'"data":"299 ' in client.body[full])
    told = [json.loads(line[6:]) for line in client.body[full].decode().split("\n") if line.startswith('data: {"type":"message"')]
    assert [int(message["data"].split()[0]) for message in told] == list(range(300)), len(told)


def heads(port, node):
    """A browser's Last-Event-ID of many channels, and cookies in pieces: as long as a node takes them."""
    client = Client(port)
    for length in [1_000, 30_000, 60_000]:
        stream = client.ask("/poll?channel=calm&wait=0", [("x-long", "y" * length), ("cookie", "a=b"), ("cookie", "c=d")])
        client.wait(lambda: stream in client.ended)
        assert client.status[stream] == 200, (length, client.status, client.body[stream])


def silence(port, node):
    """Streams on which only heartbeats come live longer than the balancer waits for whoever is silent."""
    client = Client(port)
    streams = [client.ask(f"/sse?channel=calm&n={number}") for number in range(3)]
    end = time.monotonic() + 14
    while time.monotonic() < end:
        client.read(end - time.monotonic())
    assert not client.ended, client.ended
    publish(node, "calm", "after it")
    client.wait(lambda: all(b"after it" in client.body[stream] for stream in streams))


{"resets": resets, "unread": unread, "heads": heads, "silence": silence}[sys.argv[1]](int(sys.argv[2]), int(sys.argv[3]))
