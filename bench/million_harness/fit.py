"""How many clients this machine has room for, and why: before anything is started."""

import math
import resource
from dataclasses import dataclass

from . import costs

MIB = 1 << 20

# Measured by `bench/capacity --measure` and by the runs in MILLION.md; here rounded up.
KERNEL_BYTES_PER_CLIENT = 10_000
NODE_BYTES_PER_CLIENT = {"websocket": 500, "sessions": 1_000, "events": 700}
CROWD_BYTES_PER_CLIENT = {"websocket": 80, "sessions": 150, "events": 80}
REDIS_BYTES_PER_CLIENT = {"websocket": 40, "sessions": 900, "events": 40}
NODE_BASE_BYTES = 16 * MIB
CROWD_BASE_BYTES = 4 * MIB
# For the system, for Redis with nothing in it, and for 1 KiB in each client's socket while a publication goes to all.
RESERVE_BYTES = 1_500 * MIB
TRANSIENT_BYTES_PER_CLIENT = 1_100

# What a process has open beside its clients: files, links to Redis, requests of publishers, and room for the clients of
# a node that ends.
SPARE_DESCRIPTORS = 2_100
PORTS_PER_ADDRESS = 14_000
SOURCES_PER_CROWD = 4


@dataclass
class Plan:
    clients: int
    nodes: int
    crowds: int
    descriptors: int
    lines: list[str]

    @property
    def fits(self):
        return not any(line.startswith("too") for line in self.lines)


def bytes_per_client(carrier):
    parts = [NODE_BYTES_PER_CLIENT, CROWD_BYTES_PER_CLIENT, REDIS_BYTES_PER_CLIENT]
    return KERNEL_BYTES_PER_CLIENT + TRANSIENT_BYTES_PER_CLIENT + sum(part[carrier] for part in parts)


def plan(clients, carrier, nodes=None):
    _, descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)
    per_process = descriptors - SPARE_DESCRIPTORS
    # Four at least, so that one can be missed.
    nodes = nodes or max(4, math.ceil(clients / per_process))
    crowds = max(2, math.ceil(clients / per_process))
    lines = []
    for what, limit, why in limits(carrier, nodes, crowds, per_process):
        word = "room for" if clients <= limit else "too little for"
        lines.append(f"{word} {clients:,} clients: {what} for {limit:,} ({why})")
    return Plan(clients, nodes, crowds, descriptors, sorted(lines, key=lambda line: not line.startswith("too")))


def limits(carrier, nodes, crowds, per_process):
    """What there is, for how many clients it is enough, and how that was reckoned."""
    available = costs.memory()["MemAvailable"]
    base = RESERVE_BYTES + nodes * NODE_BASE_BYTES + crowds * CROWD_BASE_BYTES
    each = bytes_per_client(carrier)
    why = (
        f"{available / MIB:,.0f} MiB are free, {base / MIB:,.0f} MiB go to {nodes + crowds} processes and the system, "
    )
    yield "memory", max(0, (available - base) // each), why + f"{each:,} bytes to each client"
    open_now, _, file_max = (int(field) for field in costs.text("/proc/sys/fs/file-nr").split())
    # Two sockets each; a poller is one for all.
    why = f"the kernel allows {file_max:,}, {open_now:,} are open, each client has two"
    yield "open files", (file_max - open_now - 10_000) // 2, why
    why = f"{per_process:,} in each of {nodes} nodes and {crowds} crowds"
    yield "descriptors of a process", per_process * min(nodes, crowds), why
    if tracked := int(costs.text("/proc/sys/net/netfilter/nf_conntrack_count") or 0):
        most = int(costs.text("/proc/sys/net/netfilter/nf_conntrack_max"))
        yield "tracked connections", most - tracked, f"the packet filter tracks connections, {most:,} at most"
    first, last = (int(field) for field in costs.text("/proc/sys/net/ipv4/ip_local_port_range").split())
    ports = min(PORTS_PER_ADDRESS, (last - first + 1) // 2)
    addresses = crowds * SOURCES_PER_CROWD
    why = f"{addresses} addresses, {ports:,} to each of {nodes} nodes before the kernel must search"
    yield "ports", addresses * ports * nodes, why
    threads = int(costs.text("/proc/sys/kernel/pid_max")) - 1_000
    yield "threads", threads // 12 * per_process, "12 for each node and its crowd"


def descriptor_limit():
    """Raises this process's own, too: it has pipes to all crowds and links to all nodes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
