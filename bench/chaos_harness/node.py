"""One `perseid serve`, which is killed and started again under the same name and port."""

import os

from .channel_kind import POLICIES, rules
from .child import Child, eventually, free_port
from .http_request import HTTPConnection

DRAIN_MILLISECONDS = 3_000
DAY_MILLISECONDS = 86_400_000
# Small, so that a slow reader of some seconds falls behind it.
WINDOW_BYTES = 131_072


async def answers_200(port, path):
    connection = HTTPConnection(port)
    try:
        return (await connection.request("GET", path, within_seconds=2)).status == 200
    except (OSError, EOFError):
        return False
    finally:
        connection.close()


def clean_environment(**added):
    """Nothing of Perseid's own settings comes in from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PERSEID_")}
    return kept | added


class Node:
    def __init__(self, identifier, program, topology, history_count, directory, replica_count=0, compresses=False, is_mixed=False):
        self.identifier = identifier
        self.port = free_port()
        self.program = program
        self.share(topology)
        self.log = directory / f"node-{identifier}.log"
        self.environment = clean_environment(
            PERSEID_JSONP="true",
            PERSEID_LIMITS_DRAIN_MILLISECONDS=str(DRAIN_MILLISECONDS),
            # Everything is kept to the end, where it is compared with what clients got.
            PERSEID_LIMITS_HISTORY_COUNT_MAX=str(history_count),
            PERSEID_LIMITS_READ_COUNT_MAX=str(history_count),
            PERSEID_LIMITS_HISTORY_MILLISECONDS=str(DAY_MILLISECONDS),
            PERSEID_LIMITS_WINDOW_BYTES_MAX=str(WINDOW_BYTES),
            # A node turns nobody away because something else has the processors.
            PERSEID_LIMITS_OVERLOAD_LAG_MILLISECONDS="600000",
            **topology.environment,
        )
        if replica_count or compresses or is_mixed:
            rule = "** subscribe=anyone publish=anyone presence=anyone history=anyone call=anyone"
            if replica_count:
                rule += f" durable={replica_count}"
            if compresses:
                rule += " compress=shared"
                self.environment["PERSEID_LIMITS_COMPRESSION_FLUSH_BYTES"] = "1000"
            self.environment["PERSEID_RULES"] = rules(rule.removeprefix("** ")) if is_mixed else rule
            if is_mixed:
                self.environment["PERSEID_POLICIES"] = POLICIES
        self.child = None
        # Held by the fault that has the node down.
        self.is_down = False

    def share(self, topology):
        """Has it know from its next start on what the topology is now."""
        self.command = [self.program, "serve", "--listen", f"127.0.0.1:{self.port}", "--node-id", self.identifier]
        self.command += ["--redis", topology.url, *topology.options]

    async def start(self):
        self.child = await Child.start(f"node {self.identifier}", self.command, self.log, self.environment)
        await eventually(f"node {self.identifier} listens", self.is_alive, child=self.child)

    async def is_alive(self):
        return await answers_200(self.port, "/healthz")

    async def is_ready(self):
        return await answers_200(self.port, "/readyz")

    async def metrics(self):
        connection = HTTPConnection(self.port)
        try:
            lines = (await connection.request("GET", "/metrics", within_seconds=60)).body.decode().splitlines()
        finally:
            connection.close()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}
