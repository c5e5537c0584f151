"""Faults: what is done to the nodes and their clients, and undone again. What is done to Redis, its topology knows."""

import asyncio
import signal
import time
from collections import Counter

from .child import eventually
from .node import DRAIN_MILLISECONDS

# Beyond its drain window a node has this long to end: threads are joined, on a busy machine.
DRAIN_GRACE_SECONDS = 20
# A node that comes back waits for its Redis, to which harm is done at the same time.
READY_SECONDS = 180
# Masters are killed and nodes are stopped meanwhile.
MOVE_SECONDS = 120
# Together more than the kernel takes on behalf of a slow reader, between a node and HAProxy and behind it.
FLOOD_COUNT = 180
FLOOD_BYTES = 60_000


class Faults:
    """Carries out a plan. A fault that would leave no node alive waits until it does not."""

    def __init__(self, cluster, crowd, flooder, channels, say):
        self.cluster = cluster
        self.crowd = crowd
        self.flooder = flooder
        self.channels = channels
        self.say = say
        self.nodes = {node.identifier: node for node in cluster.nodes}
        self.changed = asyncio.Condition()
        # One rollout after the other, in their order.
        self.rollout = asyncio.Lock()
        self.survived = Counter()
        self.offences = []
        self.slowest_drain_seconds = 0
        self.last_kill_milliseconds = 0

    async def carry_out(self, plan):
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            for fault in plan:
                await asyncio.sleep(max(0, start + fault.at_seconds - loop.time()))
                group.create_task(self.happen(fault))

    async def happen(self, fault):
        self.say(f"{fault}")
        name = fault.kind.replace(" ", "_")
        harm = getattr(self, name, None) or getattr(self.cluster.topology, name)
        await harm(fault, **fault.details)
        self.survived[fault.kind] += 1

    # Nodes

    async def take_down(self, node):
        """Waits until another node is alive and this one is nobody else's."""
        async with self.changed:
            others = [other for other in self.cluster.nodes if other is not node]
            await self.changed.wait_for(lambda: not node.is_down and not all(other.is_down for other in others))
            node.is_down = True
        self.check_alive(node)

    async def bring_back(self, node):
        async with self.changed:
            node.is_down = False
            self.changed.notify_all()

    def check_alive(self, node):
        if not node.child.is_running:
            self.offences.append(f"node {node.identifier} ended by itself with {node.child.process.returncode}")

    async def heal(self):
        """Redis is whole and all nodes are ready again, also one that should not have ended."""
        await self.cluster.topology.heal()
        for node in self.cluster.nodes:
            self.check_alive(node)
            if not node.child.is_running:
                await node.start()
        await self.cluster.become_ready()

    async def node_killed(self, fault, node, down_seconds):
        node = self.nodes[node]
        await self.take_down(node)
        self.last_kill_milliseconds = time.time_ns() // 1_000_000
        await node.child.kill()
        await asyncio.sleep(down_seconds)
        await node.start()
        await self.bring_back(node)

    async def node_stopped(self, fault, node, down_seconds):
        node = self.nodes[node]
        await self.take_down(node)
        node.child.signal(signal.SIGSTOP)
        await asyncio.sleep(down_seconds)
        node.child.signal(signal.SIGCONT)
        await self.bring_back(node)

    async def nodes_deployed(self, fault, order):
        for name in order:
            await self.deploy(self.nodes[name])

    async def deploy(self, node, program=None):
        """Ends it in order, and starts it with what is known by then; with a program, of that release."""
        await self.take_down(node)
        await self.drain(node)
        node.program = program or node.program
        node.share(self.cluster.topology)
        await node.start()
        await eventually(f"node {node.identifier} is ready again", node.is_ready, READY_SECONDS, node.child)
        await self.bring_back(node)

    async def nodes_upgraded(self, fault, order, pause_seconds):
        await self.roll_out(self.cluster.program, fault, order, pause_seconds)

    async def nodes_taken_back(self, fault, order, pause_seconds):
        await self.roll_out(self.cluster.previous_program, fault, order, pause_seconds)

    async def roll_out(self, program, fault, order, pause_seconds):
        async with self.rollout:
            for name in order:
                await self.deploy(self.nodes[name], program)
                self.say(f"{fault.kind}: {name}")
                await asyncio.sleep(pause_seconds)

    async def masters_changed(self, fault):
        """One master more, or one less, as the README says."""
        topology = self.cluster.topology
        async with topology.change:
            topology.plan_change()
            await self.nodes_deployed(fault, list(self.nodes))
            await eventually("all channels have moved", self.have_moved, within_seconds=MOVE_SECONDS)
            self.say(f"{fault.kind}: all channels have moved")
            topology.end_change()
            await self.nodes_deployed(fault, list(self.nodes))

    async def have_moved(self):
        try:
            return not any([(await node.metrics())["perseid_redis_former_masters"] for node in self.cluster.nodes])
        except (OSError, EOFError, KeyError):
            return False

    async def drain(self, node):
        begin = time.monotonic()
        node.child.signal(signal.SIGTERM)
        status = await node.child.end(DRAIN_MILLISECONDS / 1_000 + DRAIN_GRACE_SECONDS)
        if status != 0:
            seconds = time.monotonic() - begin
            self.offences.append(f"node {node.identifier}, told to end, has status {status} after {seconds:.1f} s")
            await node.child.kill()
        self.slowest_drain_seconds = max(self.slowest_drain_seconds, time.monotonic() - begin)

    # Clients

    async def clients_reset(self, fault, share):
        await self.crowd.ask("reset", share=share, seed=fault.seed)

    async def slow_readers(self, fault, share, slow_seconds):
        channel = self.channels[fault.seed % len(self.channels)]
        await self.crowd.ask("slow", channel=channel, share=share, seconds=slow_seconds, seed=fault.seed)
        for _ in range(FLOOD_COUNT):
            await self.flooder.publish(channel, FLOOD_BYTES)
        await asyncio.sleep(slow_seconds)
