"""The cluster under test: Redis, the nodes, and HAProxy in front with the configuration that users are given."""

import asyncio
import os
import signal
from collections import Counter
from pathlib import Path

from .child import Child, eventually, free_port
from .http_request import HTTPConnection
from .redis_client import RedisClient, RedisError

ROOT = Path(__file__).resolve().parent.parent.parent
DRAIN_MILLISECONDS = 3_000
DAY_MILLISECONDS = 86_400_000


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


class Redis:
    """Redis that loses nothing it has acknowledged, however it ends; or one that is never to end, in memory."""

    def __init__(self, directory, is_durable=True, prefix=()):
        self.port = free_port()
        self.directory = directory
        self.is_durable = is_durable
        # Of its command line: where it is to run.
        self.prefix = list(prefix)
        self.child = None

    async def start(self):
        command = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.directory, "--save", ""]
        if self.is_durable:
            # By default Redis may put off writing its log for two seconds, and publish what it has not written.
            command += ["--appendonly", "yes", "--appendfsync", "always"]
        self.child = await Child.start("redis", self.prefix + command, self.directory / "redis.log")
        await eventually("Redis answers", self.answers, child=self.child)

    async def answers(self):
        client = RedisClient(self.port)
        try:
            return await client.command("PING") == "PONG"
        except (OSError, EOFError, RedisError):
            return False
        finally:
            client.close()


class Node:
    """One `perseid serve`, which is killed and started again under the same name and port."""

    def __init__(self, identifier, program, redis_port, history_count, directory):
        self.identifier = identifier
        self.port = free_port()
        self.command = [program, "serve", "--listen", f"127.0.0.1:{self.port}", "--node-id", identifier]
        self.command += ["--redis", f"redis://127.0.0.1:{redis_port}"]
        self.log = directory / f"node-{identifier}.log"
        self.environment = clean_environment(
            PERSEID_JSONP="true",
            PERSEID_LIMITS_DRAIN_MILLISECONDS=str(DRAIN_MILLISECONDS),
            # Everything is kept to the end, where it is compared with what clients got.
            PERSEID_LIMITS_HISTORY_COUNT_MAX=str(history_count),
            PERSEID_LIMITS_READ_COUNT_MAX=str(history_count),
            PERSEID_LIMITS_HISTORY_MILLISECONDS=str(DAY_MILLISECONDS),
            # Small, so that a slow reader of some seconds falls behind it.
            PERSEID_LIMITS_WINDOW_BYTES_MAX="131072",
        )
        self.child = None
        # Held by the fault that has the node down.
        self.is_down = False

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
            lines = (await connection.request("GET", "/metrics")).body.decode().splitlines()
        finally:
            connection.close()
        pairs = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, value in pairs}


class Cluster:
    """All of it. Use it in an `async with` block."""

    def __init__(self, program, node_count, history_count, directory):
        self.directory = directory
        self.redis = Redis(directory)
        names = ["a", "b", "c"][:node_count]
        self.nodes = [Node(name, program, self.redis.port, history_count, directory) for name in names]
        self.port = free_port()
        self.balancer = None

    async def __aenter__(self):
        try:
            await self.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_):
        children = [self.balancer] + [node.child for node in self.nodes] + [self.redis.child]
        running = [child for child in children if child and child.is_running]
        # Nobody is left who would miss a drain.
        await asyncio.gather(*(child.kill() for child in running))

    async def start(self):
        await self.redis.start()
        await asyncio.gather(*(node.start() for node in self.nodes))
        # HAProxy's third server is a port where nobody listens if there are two nodes.
        ports = [node.port for node in self.nodes] + [free_port()]
        environment = clean_environment(
            PERSEID_BIND=f"127.0.0.1:{self.port}",
            PERSEID_MAXCONN="8000",
            **{f"PERSEID_NODE_{name}": f"127.0.0.1:{port}" for name, port in zip("ABC", ports)},
        )
        command = ["haproxy", "-db", "-f", ROOT / "deploy" / "haproxy.cfg"]
        self.balancer = await Child.start("haproxy", command, self.directory / "haproxy.log", environment)
        await eventually("HAProxy lets requests through", self.is_ready, child=self.balancer)
        await self.become_ready()

    async def is_ready(self):
        return await answers_200(self.port, "/readyz")

    async def metrics(self):
        """Sums over the nodes as they are now: what was counted before a restart is gone."""
        sums = Counter()
        for node in self.nodes:
            sums.update(await node.metrics())
        return sums

    async def become_ready(self):
        for node in self.nodes:
            node.child.signal(signal.SIGCONT)
            await eventually(f"node {node.identifier} is ready", node.is_ready, child=node.child)
