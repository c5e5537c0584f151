"""What TLS adds at a node: to a client's memory, to its connect, to each of its deliveries. By OpenSSL, not by the kernel."""

import contextlib

from harness import security
from harness.bayeux import memory
from harness.polls import processor_seconds
from harness.servers import Perseid

NAMES = ["node_bytes_per_client_tls", "node_microseconds_per_connect_tls", "node_microseconds_per_delivery_tls"]


def measure(chosen):
    """What a client costs with TLS, less what it costs without: by the names of the coefficients."""
    plain, secured = one(chosen, False), one(chosen, True)
    return {name: more - less for name, more, less in zip(NAMES, secured, plain)}


def one(chosen, is_secure):
    """Bytes of an idle client, microseconds of a connect, with a whole handshake, and of a delivery. At a node of its own: what another
    client gave back would be taken for memory that the next does not need."""
    with Perseid(chosen, envelope=True, has_tls=True) as server:
        port, node = server.ports[0], server.processes[0]
        own = server.secure_port if is_secure else port
        with contextlib.closing(security.Readers(own, is_secure, security.WARM_UP)):
            before, spent = memory(node), processor_seconds(node)
            with contextlib.closing(security.Readers(own, is_secure, security.READERS)) as readers:
                connects = (processor_seconds(node) - spent) * 1e6 / security.READERS
                readers.drain(2)
                idle = (memory(node) - before) / security.READERS
                return idle, connects, security.fan_out(readers, port, [node])
