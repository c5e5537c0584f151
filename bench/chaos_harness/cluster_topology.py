"""A Redis Cluster: three masters that share the slots, and a replica of each."""

import asyncio
import random
import signal

from .cluster_backend import SLOT_COUNT, ClusterBackend, key_slot
from .child import eventually, free_port

from .redis_client import RedisError
from .redis_server import Redis
from .topology import Topology

MASTER_COUNT = 3
# Without an answer for so long, a node is down: not so short that a busy machine is enough for that.
NODE_TIMEOUT_MILLISECONDS = 1_500
SHORT_SECONDS, LONG_SECONDS = (0.1, 0.8), (3, 8)
MIGRATED_TOGETHER = 10
MIGRATE_MILLISECONDS = 5_000
STUCK_SECONDS = (1, 2)
COMMAND_ATTEMPTS = 50
PASSING_ERRORS = ["IOERR", "CLUSTERDOWN", "LOADING"]


def away(draw):
    down_seconds = draw.uniform(*draw.choice([SHORT_SECONDS, LONG_SECONDS]))
    return {"master": draw.randrange(MASTER_COUNT), "down_seconds": down_seconds}


def asked(draw):
    return {"master": draw.randrange(MASTER_COUNT)}


def half_way(draw):
    """Which end of a slot's way is killed. The replica of its source would know nothing of the way, and begin what has left already
    anew, so that one is not away for long."""
    victim = draw.choice(["source", "target"])
    lengths = [SHORT_SECONDS] if victim == "source" else [SHORT_SECONDS, LONG_SECONDS]
    return {"victim": victim, "down_seconds": draw.uniform(*draw.choice(lengths))}


def epochs(view):
    """Of masters that are not given up, as one node sees them."""
    return {words[0]: words[6] for words in view if "master" in words[2] and "fail" not in words[2]}


class ClusterNode(Redis):
    def __init__(self, directory, name, is_durable):
        self.bus_port = free_port()
        options = ["--cluster-enabled", "yes", "--cluster-node-timeout", NODE_TIMEOUT_MILLISECONDS]
        options += ["--cluster-port", self.bus_port, "--cluster-config-file", f"{name}.nodes"]
        options += ["--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no"]
        # A replica takes over however long a busy machine took to find that its master is gone.
        options += ["--repl-diskless-sync-delay", "0", "--cluster-replica-validity-factor", "0"]
        super().__init__(directory, is_durable, name=name, options=options)
        self.identifier = None

    async def view(self):
        """All nodes as it sees them, each a list of words: id, address, flags, master, …, link, slots."""
        return [line.split(" ") for line in (await self.command("CLUSTER", "NODES")).splitlines()]

    async def insistently(self, *words):
        """Again, if its links were cut, or those to another one; what the cluster is told may be told twice."""
        for attempt in range(COMMAND_ATTEMPTS):
            try:
                return await self.command(*words)
            except (OSError, EOFError, RedisError) as error:
                # Also in the words of who was told so by the other one.
                passes = not isinstance(error, RedisError) or any(kind in str(error) for kind in PASSING_ERRORS)
                if not passes or attempt == COMMAND_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(0.1)


class ClusterTopology(Topology):
    kinds = {
        "master killed": away,
        "master stopped": away,
        "failover asked for": asked,
        "failover forced": asked,
        "slots moved": lambda draw: {"count": draw.randint(4, 12), "stuck_seconds": draw.uniform(*STUCK_SECONDS)},
        "master killed half way": half_way,
        "all redis killed": lambda draw: {"down_seconds": draw.uniform(0.1, 1)},
    }

    def __init__(self, directory, say, is_durable=True, has_replicas=True):
        super().__init__(directory, say)
        count = (2 if has_replicas else 1) * MASTER_COUNT
        self.has_replicas = has_replicas
        self.servers = [ClusterNode(directory, f"redis-{number}", is_durable) for number in range(1, count + 1)]
        self.handover = asyncio.Lock()

    @property
    def url(self):
        return "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:2])

    # Each master has one replica.
    replica_count = 1

    def backend(self):
        return ClusterBackend([server.port for server in self.servers])

    # Its making

    async def start(self):
        await super().start()
        for number, server in enumerate(self.servers, 1):
            await server.command("CLUSTER", "SET-CONFIG-EPOCH", number)
            server.identifier = await server.command("CLUSTER", "MYID")
        await eventually("everybody knows everybody", self.introduce)
        share = SLOT_COUNT // MASTER_COUNT
        for number, server in enumerate(self.servers[:MASTER_COUNT]):
            last = SLOT_COUNT - 1 if number == MASTER_COUNT - 1 else (number + 1) * share - 1
            await server.command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        for master, replica in zip(self.servers, self.servers[MASTER_COUNT:]):
            await replica.command("CLUSTER", "REPLICATE", master.identifier)
        await self.become_healthy()

    async def introduce(self):
        """Whether all know each other then. Who does not answer within the time-out is forgotten in silence, and is introduced again."""
        for server in self.servers[1:]:
            await self.servers[0].command("CLUSTER", "MEET", "127.0.0.1", server.port, server.bus_port)
        return await self.turns_true(self.knows_all, 5)

    async def knows_all(self):
        views = [await server.view() for server in self.servers]
        return all(len(view) == len(self.servers) and "handshake" not in str(view) for view in views)

    # Its state

    async def masters(self):
        """Ids of the masters, sorted, once all agree on who they are and what they have, and the others follow them."""
        views = []
        for server in self.servers:
            view = await server.view()
            is_ok = "cluster_state:ok" in await server.command("CLUSTER", "INFO")
            if not is_ok or any("fail" in flags for _, _, flags, *_ in view):
                return None
            # What is on its way, `[…]`, only those know whom it concerns.
            slots = {words[0]: [word for word in words[8:] if word[0] != "["] for words in view}
            roles = {words[0]: words[3] for words in view}
            views.append((roles, slots))
            facts = await server.facts("replication")
            if facts["role"] == "slave" and facts["master_link_status"] != "up":
                return None
        if any(view != views[0] for view in views):
            return None
        masters = sorted(identifier for identifier, slots in views[0][1].items() if slots)
        followed = {master for master in views[0][0].values() if master != "-"}
        is_followed = followed == set(masters if self.has_replicas else [])
        return masters if len(masters) == MASTER_COUNT and is_followed else None

    def server(self, identifier):
        return next(server for server in self.servers if server.identifier == identifier)

    def master(self, number):
        return self.server(self.known_masters[number])

    async def replica(self, number):
        nodes = await self.servers[0].insistently("CLUSTER", "NODES")
        view = [line.split(" ") for line in nodes.splitlines()]
        return self.server(next(words[0] for words in view if words[3] == self.known_masters[number]))

    # Its faults

    async def master_killed(self, fault, master, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while([self.master(master)], signal.SIGKILL, down_seconds)

    async def master_stopped(self, fault, master, down_seconds):
        async with self.harm(fault):
            await self.stop_for_a_while(self.master(master), down_seconds)

    async def all_redis_killed(self, fault, down_seconds):
        async with self.harm(fault):
            await self.end_for_a_while(self.servers, signal.SIGKILL, down_seconds)

    async def failover_asked_for(self, fault, master):
        # The master holds everybody back until its replica has all.
        async with self.harm(fault, is_lossless=True):
            await self.replace(master)

    async def failover_forced(self, fault, master):
        async with self.harm(fault):
            await self.replace(master, "FORCE")

    async def replace(self, master, *options):
        replica = await self.replica(master)
        await self.fail_over(
            ask=lambda: replica.command("CLUSTER", "FAILOVER", *options),
            is_done=lambda: self.is_master(replica),
            # A replica forgets after 5 s that it was asked (CLUSTER_MF_TIMEOUT); asked before that, it begins anew.
            patience_seconds=6,
        )

    async def is_master(self, server):
        return (await server.facts("replication"))["role"] == "master"

    async def slots_moved(self, fault, count, stuck_seconds):
        """Several at once: of channels, and of sessions. The first is stuck half-way for a while."""
        async with self.harm(fault):
            draw = random.Random(fault.seed)
            slots = await self.slots_in_use(draw, count)
            stuck = [stuck_seconds] + [0] * len(slots)
            ways = [await self.way(slot, draw) for slot in slots]
            await asyncio.gather(*map(self.move, slots, ways, stuck))
            self.moved_count += len(slots)

    async def master_killed_half_way(self, fault, victim, down_seconds):
        """One key of the slot has left when it happens. Once all are back, or were replaced, an operator sends the rest."""
        async with self.harm(fault):
            draw = random.Random(fault.seed)
            for slot in await self.slots_in_use(draw, 1):
                source, target = await self.way(slot, draw)
                heir = await self.replica(self.known_masters.index(target.identifier))
                await self.begin_move(slot, source, target)
                await self.hand_over(slot, source, target, 1)
                await self.end_for_a_while([{"source": source, "target": target}[victim]], signal.SIGKILL, down_seconds)
                await self.become_healthy()
                goal = target if target.identifier in self.known_masters else heir
                await self.move(slot, (await self.owner(slot), goal))
                self.moved_count += 1

    async def slots_in_use(self, draw, count):
        """Of keys as they come: most are of channels, or of sessions."""
        found = set()
        for number in range(MASTER_COUNT):
            server = self.master(number)
            for kind in ("perseid:{*", "perseid:session:*"):
                keys = (await server.insistently("SCAN", 0, "MATCH", kind, "COUNT", 1_000))[1]
                found |= {key_slot(key) for key in draw.sample(keys, min(count, len(keys)))}
        return draw.sample(sorted(found), min(count, len(found)))

    async def owner(self, slot):
        for first, last, master, *_ in await self.servers[0].insistently("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return self.server(master[2])

    async def way(self, slot, draw):
        """Who has a slot, and one of those that it may go to."""
        source = await self.owner(slot)
        others = [server for server in map(self.server, self.known_masters) if server is not source]
        return source, draw.choice(others)

    async def begin_move(self, slot, source, target):
        await target.insistently("CLUSTER", "SETSLOT", slot, "IMPORTING", source.identifier)
        await source.insistently("CLUSTER", "SETSLOT", slot, "MIGRATING", target.identifier)

    async def hand_over(self, slot, source, target, count):
        """Some keys; says whether there were any."""
        keys = await source.insistently("CLUSTER", "GETKEYSINSLOT", slot, count)
        if keys:
            # What it did not hear that the target has, it hands over again.
            words = ["MIGRATE", "127.0.0.1", target.port, "", 0, MIGRATE_MILLISECONDS, "REPLACE", "KEYS", *keys]
            # One after the other: two masters that hand over keys to each other both wait, and answer nobody for 5 s.
            async with self.handover:
                await source.insistently(*words)
        return bool(keys)

    async def move(self, slot, way, stuck_seconds=0):
        """From one master to another."""
        others = [server for server in map(self.server, self.known_masters) if server not in way]
        await self.transfer(slot, *way, others, stuck_seconds)

    async def transfer(self, slot, source, target, others, stuck_seconds=0):
        """As redis-cli does it; the others are told where it is."""
        if source is not target:
            await self.begin_move(slot, source, target)
            if await self.hand_over(slot, source, target, 1):
                await asyncio.sleep(stuck_seconds)
            while await self.hand_over(slot, source, target, MIGRATED_TOGETHER):
                pass
        # One after the other: a source that gets a slot at that moment would claim this one with a newer epoch, and have the
        # target throw its keys away.
        async with self.handover:
            # A target that has not heard of the newest epoch would take the slot without a newer one, and lose it again with its keys.
            await eventually("all know the newest epochs", lambda: self.holds(self.share_epochs()))
            for server in [target, source, *others]:
                await server.insistently("CLUSTER", "SETSLOT", slot, "NODE", target.identifier)

    async def share_epochs(self):
        """Whether all see each master at the same epoch."""
        views = [await server.view() for server in self.servers if server.child.is_running]
        return all(epochs(view) == epochs(views[0]) for view in views)
