"""A process of hostile clients. It takes an order as JSON, and says every half second what it has done so far."""

import asyncio
import json
import os
import resource
import sys
from collections import Counter

from . import attacks
from .attacker import Attacker

REPORT_SECONDS = 0.5


class Report:
    """One line each: how many connections are open, and were at most; what was counted; seconds of processor."""

    def __init__(self, attackers, tally):
        self.attackers = attackers
        self.tally = tally
        self.most = 0

    def say(self):
        count = sum(len(one.connections) + one.foreign_connections for one in self.attackers)
        self.most = max(self.most, count)
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        seconds = sum(usage.ru_utime + usage.ru_stime for usage in usages)
        print(json.dumps({"most": self.most, "counted": self.tally, "processor": seconds}), flush=True)

    async def run(self):
        while True:
            self.say()
            await asyncio.sleep(REPORT_SECONDS)


def attackers_of(order, tally):
    for client in order["clients"]:
        behaviour = attacks.ALL[client["behaviour"]]
        for _ in range(max(1, round(behaviour.width * order["scale"]))):
            yield Attacker(order | client, behaviour, tally)


async def attack(order):
    tally = Counter()
    attackers = list(attackers_of(order, tally))
    report = Report(attackers, tally)
    tasks = [asyncio.create_task(one.run()) for one in [report, *attackers]]
    done, _ = await asyncio.wait(tasks, timeout=order["seconds"], return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        # A mistake here, not a finding.
        task.result()
    await attacks.end_children()
    report.say()


def main():
    order = json.loads(sys.argv[1])
    # The machine is for what is measured; this takes what that leaves.
    os.setpriority(os.PRIO_PROCESS, 0, 19)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(attack(order))
    sys.stdout.flush()
    # Thousands of connections go with the process.
    os._exit(0)


if __name__ == "__main__":
    main()
