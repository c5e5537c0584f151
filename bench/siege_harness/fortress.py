"""What is besieged: a node, or two with Redis, and what can be learned of them from outside."""

import asyncio
import re
from pathlib import Path

from chaos_harness.child import Child, eventually, free_port
from chaos_harness.node import answers_200, clean_environment
from chaos_harness.redis_server import Redis
from chaos_harness.http_request import HTTPConnection

from . import cores

# Channels of it tell who is there.
PRESENCE = "p/**"
METRICS_SECONDS = 5
ANONYMOUS = re.compile(r"RssAnon:\s*(\d+) kB")


class Node:
    def __init__(self, fortress, identifier, prefix):
        self.port = free_port()
        self.log = fortress.directory / f"node-{identifier}.log"
        self.command = [*prefix, fortress.options.binary, "serve", "--listen", f"127.0.0.1:{self.port}"]
        self.command += ["--node-id", identifier, "--reactors", str(fortress.options.reactors), "--presence", PRESENCE]
        if fortress.redis:
            self.command += ["--redis", f"redis://127.0.0.1:{fortress.redis.port}"]
        self.environment = clean_environment(
            **{f"PERSEID_LIMITS_{name}": str(value) for name, value in fortress.limits.items()}
        )
        self.child = None

    async def start(self):
        self.child = await Child.start(f"node on {self.port}", self.command, self.log, self.environment)
        await eventually("the node is ready", lambda: answers_200(self.port, "/readyz"), child=self.child)

    @property
    def id(self):
        return self.child.process.pid

    def memory_bytes(self):
        """Anonymous memory: what it allocated, without code and files."""
        try:
            found = ANONYMOUS.search(Path(f"/proc/{self.id}/status").read_text())
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return int(found[1]) * 1_024 if found else 0

    async def metrics(self):
        """By name; nothing if the node does not answer."""
        connection = HTTPConnection(self.port)
        try:
            answer = await connection.request("GET", "/metrics", within_seconds=METRICS_SECONDS)
        except (OSError, EOFError):
            return {}
        finally:
            connection.close()
        lines = answer.body.decode().splitlines() if answer.status == 200 else []
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[:1] not in "#")}


class Fortress:
    """Use it in an `async with` block."""

    def __init__(self, options, directory, limits, descriptors=None):
        self.options = options
        self.directory = directory
        self.limits = limits
        self.redis = Redis(directory, is_durable=False, prefix=cores.others()) if options.redis else None
        limited = ["prlimit", f"--nofile={descriptors}:{descriptors}"] if descriptors else []
        self.nodes = [Node(self, "a", cores.node() + limited)]
        if self.redis:
            self.nodes.append(Node(self, "b", cores.others()))

    async def __aenter__(self):
        try:
            if self.redis:
                await self.redis.start()
            for node in self.nodes:
                await node.start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_):
        children = [node.child for node in self.nodes] + ([self.redis.child] if self.redis else [])
        await asyncio.gather(*(child.kill() for child in children if child and child.is_running))

    @property
    def ports(self):
        return [node.port for node in self.nodes]

    @property
    def memory_bytes(self):
        return sum(node.memory_bytes() for node in self.nodes)

    @property
    def log_lines(self):
        """What the nodes wrote so far."""
        return sum(node.log.read_bytes().count(b"\n") for node in self.nodes)

    def deaths(self):
        """How nodes ended, and what they said last."""
        for node in self.nodes:
            if not node.child.is_running:
                last = node.log.read_text(errors="replace").strip().splitlines()[-1:] or ["no word"]
                yield f"{node.child.name} ended with {node.child.process.returncode}: {last[0][:200]}"
