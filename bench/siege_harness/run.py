"""One siege: a fresh node, its live clients, quiet, then the hostile ones."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

from chaos_harness.child import Child

from . import cores, full_history
from .fortress import Fortress
from .live import ADDRESS
from .verdict import Outcome
from .watch import Watch

BENCH = Path(__file__).resolve().parent.parent
READERS = 200
RATE = 100
OPENING_SECONDS = 60
WARM_UP_SECONDS = 1
HOSTILE_ADDRESS = "127.0.0.1"
# From the end of an outage to the end of the siege, so that the nodes can come back.
RECOVERY_SECONDS = 3
PIPE = asyncio.subprocess.PIPE


class LiveProcess:
    """The live clients, as the siege's own process sees them."""

    @classmethod
    async def start(cls, ports, log):
        live = cls()
        order = json.dumps({"ports": ports, "readers": READERS, "rate": RATE})
        command = [*cores.others(), sys.executable, "-m", "siege_harness.live", order]
        live.child = await Child.start("live clients", command, log, cwd=BENCH, stdin=PIPE, stdout=PIPE)
        live.log = log
        return live

    async def ask(self, do, within_seconds=90, **order):
        self.child.process.stdin.write(json.dumps({"do": do} | order).encode() + b"\n")
        line = await asyncio.wait_for(self.child.process.stdout.readline(), within_seconds)
        if not line:
            raise RuntimeError(f"the live clients ended: {self.log.read_text()[-2_000:]}")
        return json.loads(line)

    async def open(self):
        """Waits until every reader is subscribed."""
        deadline = time.monotonic() + OPENING_SECONDS
        while (await self.ask("phase", name="opening"))["subscribed"] < READERS:
            if time.monotonic() > deadline:
                raise RuntimeError("the live clients do not get in")
            await asyncio.sleep(0.1)
        await asyncio.sleep(WARM_UP_SECONDS)


class HostileProcess:
    """Hostile clients, as the siege's own process sees them."""

    def __init__(self):
        self.said = {"most": 0, "counted": {}, "processor": 0.0}

    @classmethod
    async def start(cls, order, log):
        hostile = cls()
        command = [*cores.others(), sys.executable, "-m", "siege_harness.hostile", json.dumps(order)]
        hostile.child = await Child.start("hostile clients", command, log, cwd=BENCH, stdout=PIPE)
        hostile.log = log
        hostile.task = asyncio.create_task(hostile.listen())
        return hostile

    async def listen(self):
        while line := await self.child.process.stdout.readline():
            self.said = json.loads(line)

    async def end(self, attack_seconds):
        status = await self.child.end(attack_seconds + 60)
        if status is None:
            await self.child.kill()
        await self.task
        if status not in (0, None):
            raise RuntimeError(f"the hostile clients failed: {self.log.read_text()[-2_000:]}")


class Siege:
    def __init__(self, options, name, behaviours, orders, directory):
        self.options = options
        self.name = name
        self.behaviours = behaviours
        # One for each hostile process.
        self.orders = orders
        self.directory = directory

    def any(self, trait):
        return any(getattr(behaviour, trait) for behaviour in self.behaviours)

    async def carry_out(self):
        limits, descriptors = {}, None
        if len(self.behaviours) == 1:
            limits, descriptors = self.behaviours[0].limits, self.behaviours[0].descriptors
        async with Fortress(self.options, self.directory, limits, descriptors) as fortress:
            live = await LiveProcess.start(fortress.ports, self.directory / "live.log")
            try:
                return await self.besiege(fortress, live)
            finally:
                await live.child.kill()

    async def besiege(self, fortress, live):
        await live.open()
        if self.any("needs_history"):
            await full_history.fill(fortress.ports[0])
        await live.ask("phase", name="quiet")
        await asyncio.sleep(self.options.quiet_seconds)
        watch = Watch(fortress)
        await watch.begin()
        await live.ask("phase", name="siege")
        usage = usage_of(fortress, live)
        hostiles = await self.attack(fortress)
        used = usage.cores()
        used["hostile"] = sum(hostile.said["processor"] for hostile in hostiles) / self.options.seconds
        # What was due in the siege counts there, also what comes later.
        await live.ask("phase", name="after")
        await asyncio.sleep(1)
        await watch.end()
        deaths = list(fortress.deaths())
        return self.outcome(await live.ask("finish"), watch, hostiles, deaths, used)

    async def attack(self, fortress):
        common = {"port": fortress.ports[0], "seconds": self.options.seconds, "address": HOSTILE_ADDRESS}
        if self.any("shares_address") and len(self.behaviours) == 1:
            common["address"] = ADDRESS
        logs = [self.directory / f"hostile-{number}.log" for number in range(len(self.orders))]
        hostiles = [await HostileProcess.start(common | order, log) for order, log in zip(self.orders, logs)]
        if self.any("stops_redis"):
            await self.stop_redis(fortress.redis)
        await asyncio.gather(*(hostile.end(self.options.seconds) for hostile in hostiles))
        return hostiles

    async def stop_redis(self, redis):
        redis.child.signal(signal.SIGSTOP)
        await asyncio.sleep(max(1, self.options.seconds - RECOVERY_SECONDS))
        redis.child.signal(signal.SIGCONT)

    def outcome(self, result, watch, hostiles, deaths, used):
        siege = result["phases"]["siege"]
        counted = {}
        for hostile in hostiles:
            for what, count in hostile.said["counted"].items():
                counted[what] = counted.get(what, 0) + count
        return Outcome(
            self.name,
            quiet=result["phases"]["quiet"]["latencies"],
            live=siege["latencies"],
            counts=siege["counts"],
            lost=result["lost"],
            doubled=result["doubled"],
            gaps=result["gaps"],
            cut=result["cut"],
            growth_bytes=watch.growth_bytes,
            connections=sum(hostile.said["most"] for hostile in hostiles),
            longest_milliseconds=watch.longest_milliseconds,
            turns_p999_milliseconds=watch.turns_p999_milliseconds,
            deaths=deaths,
            log_lines=watch.log_lines,
            seconds=self.options.seconds,
            counted=counted,
            cores=used,
            behaviours=len(self.behaviours),
            was_without_redis=self.any("stops_redis"),
            is_remembered=self.any("is_remembered"),
            leaves_room=all(behaviour.leaves_room for behaviour in self.behaviours),
        )


def usage_of(fortress, live):
    ids = {f"node {number}": node.id for number, node in enumerate(fortress.nodes)}
    ids["live"] = live.child.process.pid
    if fortress.redis:
        ids["redis"] = fortress.redis.child.process.pid
    return cores.Usage(ids)
