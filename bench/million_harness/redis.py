"""Redis: one, or a cluster of three masters; what it says of itself."""

import socket
import sys

from harness.deployment import Deployment
from harness.process import Process, accepts, free_port

KINDS = ["one", "cluster"]
# Pub/sub is written to by every publication and read by nodes that share two cores with it: such a node may be behind.
OPTIONS = ["--save", "", "--appendonly", "no", "--maxclients", "10000"]


class One:
    def __init__(self, directory):
        self.directory = directory
        self.ports = []
        self.process = None

    def start(self):
        port = free_port()
        # Among 113 busy processes it would get a fiftieth of a core, and answer nobody in time: elsewhere it has a machine of its own.
        command = [
            "nice",
            "-n",
            "-10",
            "setpriv",
            "--pdeathsig",
            "KILL",
            "redis-server",
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.directory),
        ]
        command += OPTIONS
        self.process = Process(command, self.directory / "redis.log")
        self.process.wait_until(lambda: accepts(port), "Redis")
        self.ports = [port]

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.ports[0]}"

    @property
    def process_ids(self):
        return [self.process.id]

    def stop(self):
        if self.process:
            self.process.stop()


class Masters:
    """Three masters without replicas: those of chaos, without files."""

    def __init__(self, directory):
        self.deployment = Deployment("cluster", directory, has_replicas=False)
        self.ports = []

    def start(self):
        self.deployment.start()
        self.ports = [server.port for server in self.deployment.topology.servers]

    @property
    def url(self):
        return self.deployment.url

    @property
    def process_ids(self):
        return self.deployment.process_ids

    def stop(self):
        if self.ports:
            self.deployment.stop()


def make(kind, directory):
    return One(directory) if kind == "one" else Masters(directory)


def facts(port):
    """INFO, as a dictionary of texts."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as link:
        link.sendall(b"*2\r\n$4\r\nINFO\r\n$3\r\nall\r\n")
        with link.makefile("rb") as reader:
            length = reader.readline()
            if not length.startswith(b"$"):
                raise OSError(f"Redis says {length!r}")
            text = reader.read(int(length[1:])).decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def numbers(ports):
    """Sums over all masters: bytes, commands by name, and those of functions apart."""
    found = {"bytes": 0, "commands": 0, "calls": {}, "microseconds": {}, "channels": 0, "keys": 0}
    for port in ports:
        each = facts(port)
        found["bytes"] += int(each["used_memory"])
        found["commands"] += int(each["total_commands_processed"])
        found["channels"] += int(each["pubsub_channels"]) + int(each.get("pubsubshard_channels", 0))
        found["keys"] += sum(keys(value) for name, value in each.items() if name.startswith("db"))
        for name, value in each.items():
            if name.startswith("cmdstat_"):
                fields = dict(field.split("=") for field in value.split(","))
                command = name.removeprefix("cmdstat_")
                found["calls"][command] = found["calls"].get(command, 0) + int(fields["calls"])
                used = found["microseconds"].get(command, 0)
                found["microseconds"][command] = used + int(fields["usec"])
    return found


def keys(value):
    return int(dict(field.split("=") for field in value.split(","))["keys"])


if __name__ == "__main__":
    print(numbers([int(port) for port in sys.argv[1:]]))
