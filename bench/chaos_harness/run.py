"""One run: the cluster, its clients and publishers, the faults, and the judgement."""

import asyncio
import json
import time
from collections import Counter

from .channel_record import ChannelRecord
from .channel_kind import kind, make_channels
from .checker import Checker
from .cluster import Cluster
from .crowd import Crowd
from .faults import FLOOD_COUNT, Faults
from .journal import read_journal
from .losses import Losses
from .merged_record import MergedRecord
from .plan import plan_failover, plan_faults, plan_upgrade
from .publisher import DirectPublisher, HTTPPublisher
from .resumption import Resumption
from .topologies import TOPOLOGIES

PUBLISHERS_OF_EACH_KIND = 8
BEGIN_SECONDS = 180
# Longer than a client takes to notice that its connection is dead, and to come back on a busy machine.
CATCH_UP_SECONDS = 180


class Run:
    def __init__(self, options, directory, say):
        self.options = options
        self.directory = directory
        self.say = say
        self.seconds = options.minutes * 60
        self.channels = make_channels(options.channels, options.mixed)
        plan = plan_failover if options.failover else plan_upgrade if options.upgrade_from else plan_faults
        self.topology = TOPOLOGIES[options.topology](directory, say)
        self.plan = plan(options.seed, self.seconds, ["a", "b", "c"][: options.nodes], self.topology.kinds)
        self.problems = []
        self.catch_up_seconds = 0

    async def carry_out(self):
        # Enough that no channel forgets anything, even if everything were published there.
        floods = sum(fault.kind == "slow readers" for fault in self.plan)
        self.history_count = max(100_000, int(2 * self.options.rate * self.seconds) + floods * FLOOD_COUNT)
        options = self.options
        cluster = Cluster(
            [options.upgrade_from or options.perseid, options.perseid],
            options.nodes,
            self.history_count,
            self.directory,
            self.topology,
            options.durable,
            options.compress,
            options.mixed,
        )
        async with cluster:
            self.crowd = Crowd(self.directory)
            try:
                await self.crowd.start(options, cluster.port, self.channels)
                records = await self.stir(cluster)
                await self.crowd.ask("close")
            finally:
                await self.crowd.stop()
        self.judge(records)

    async def stir(self, cluster):
        """Publishes and does harm for the time given; returns what Redis has in the end."""
        self.publishers = self.make_publishers(cluster)
        flooder = DirectPublisher("f", self.options.seed, self.topology.backend(), self.history_count)
        self.faults = Faults(cluster, self.crowd, flooder, self.channels, self.say)
        rate = self.options.rate / len(self.publishers)
        # The publishers first, so that those polls are answered that came without a cursor.
        tasks = [asyncio.create_task(publisher.run(self.channels, rate)) for publisher in self.publishers]
        await self.crowd.ask("begin", BEGIN_SECONDS)
        self.say(f"{self.options.clients} clients are subscribed; {len(self.plan)} faults begin")
        try:
            await self.do_harm(tasks)
        except BaseException:
            for publisher in [*self.publishers, flooder]:
                publisher.is_given_up = True
            raise
        self.publishers.append(flooder)
        await self.catch_up(flooder)
        # On a busy machine another may have taken over meanwhile, of its own accord: what that lost has to be known, too.
        await self.topology.heal()
        self.metrics = await cluster.metrics()
        return await self.read_records()

    async def do_harm(self, tasks):
        """Until the time is over, the publishers have ended, and all is well again."""
        begin = time.monotonic()
        await self.faults.carry_out(self.plan)
        await asyncio.sleep(max(0, self.seconds - (time.monotonic() - begin)))
        for publisher in self.publishers:
            publisher.is_stopping = True
        await asyncio.gather(*tasks)
        await self.faults.heal()

    def make_publishers(self, cluster):
        seed = self.options.seed
        numbers = range(1, PUBLISHERS_OF_EACH_KIND + 1)
        over_http = [HTTPPublisher(f"h{number}", seed, cluster.port) for number in numbers]
        return over_http + [DirectPublisher(f"d{n}", seed, self.topology.backend(), self.history_count) for n in numbers]

    async def catch_up(self, publisher):
        """Publishes the last of each channel, and waits until every client has it."""
        last = {channel: await publisher.publish(channel) for channel in self.channels}
        begin = time.monotonic()
        answers = await self.crowd.ask("finish", CATCH_UP_SECONDS + 30, positions=last, patience_seconds=CATCH_UP_SECONDS)
        self.catch_up_seconds = time.monotonic() - begin
        behind = sum((answer["behind"] for answer in answers), [])
        self.say(f"clients that are behind after {self.catch_up_seconds:.1f} s: {behind or 'none'}")

    async def read_records(self):
        try:
            streams = await self.topology.streams(self.channels)
            self.keep_truth(streams)
            return {channel: self.record(channel, entries) for channel, entries in streams.items()}
        finally:
            for publisher in self.publishers:
                publisher.close()

    def record(self, channel, entries):
        if not kind(channel).is_merged:
            return ChannelRecord(channel, entries)
        acknowledged = (told for publisher in self.publishers for told in publisher.acknowledged)
        return MergedRecord(channel, entries, [told for told in acknowledged if told.channel == channel])

    def keep_truth(self, streams):
        """Beside the journals, so that what was found can be looked into."""
        acknowledged = [list(vars(told).values()) for publisher in self.publishers for told in publisher.acknowledged]
        truth = {"streams": streams, "losses": self.topology.losses, "acknowledged": acknowledged}
        truth["attempts"] = {publisher.name: publisher.numbers for publisher in self.publishers}
        (self.directory / "truth.json").write_text(json.dumps(truth))

    # The judgement

    def judge(self, all_records):
        records = {channel: record for channel, record in all_records.items() if not kind(channel).is_merged}
        merged = {channel: record for channel, record in all_records.items() if kind(channel).is_merged}
        self.losses = self.find_losses(records)
        self.checker = Checker(records, self.options.forbid_gaps, self.losses, merged)
        self.resumption = Resumption(self.faults.last_kill_milliseconds)
        for path in self.crowd.journals:
            for event in read_journal(path):
                self.checker.take(event)
                self.resumption.take(event)
        self.checker.finish()
        self.lost = [lost for record in records.values() for lost in record.lost.values()]
        self.problems += self.faults.offences + self.losses.problems
        for publisher in self.publishers:
            self.problems += publisher.offences
            for acknowledgement in publisher.acknowledged:
                record = records.get(acknowledgement.channel)
                if record is None:
                    continue
                may_be_lost = not (self.options.durable and publisher.is_answered_by_nodes)
                self.problems += record.acknowledgement_problems(acknowledgement, may_be_lost)
        for record in records.values():
            self.problems += record.problems()
        for record in merged.values():
            self.problems += record.problems(self.losses)

    def find_losses(self, records):
        losses = Losses(self.topology.losses)
        if losses.windows:
            losses.take_publishers(self.publishers, records)
            for path in self.crowd.journals:
                for event in read_journal(path):
                    losses.take(event, records)
            losses.finish(records)
        return losses

    @property
    def acknowledged_count(self):
        return sum(len(publisher.acknowledged) for publisher in self.publishers)

    @property
    def troubles(self):
        return sum((publisher.troubles for publisher in self.publishers), Counter())

    @property
    def is_clean(self):
        return not self.checker.offences and not self.problems
