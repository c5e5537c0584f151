"""The cluster under test: Redis, the nodes, and HAProxy in front with the configuration that users are given."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from .child import Child, eventually, free_port
from .node import Node, answers_200, clean_environment

ROOT = Path(__file__).resolve().parent.parent.parent


class Cluster:
    """All of it. Use it in an `async with` block."""

    def __init__(self, programs, node_count, history_count, directory, topology, is_durable=False, compresses=False, is_mixed=False):
        """With two programs it begins with the first, which is the previous release's, and is upgraded to the last."""
        self.previous_program, self.program = programs[0], programs[-1]
        self.directory = directory
        self.topology = topology
        names = ["a", "b", "c"][:node_count]
        replicas = topology.replica_count if is_durable else 0
        first = self.previous_program
        ways = (replicas, compresses, is_mixed)
        self.nodes = [Node(name, first, topology, history_count, directory, *ways) for name in names]
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
        children = [self.balancer] + [process.child for process in self.nodes + self.topology.processes]
        running = [child for child in children if child and child.is_running]
        # Nobody is left who would miss a drain.
        await asyncio.gather(*(child.kill() for child in running))

    async def start(self):
        await self.topology.start()
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
