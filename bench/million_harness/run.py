"""A run: Redis, nodes and crowds, and the steps they go through, each with what was measured."""

import os
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

from . import costs, fit, redis, steps
from .board import OFFENCES, REFUSALS, Board
from .crowds import Crowds
from .nodes import Nodes
from .publisher import Publisher
from .watch import Watch

# What nodes say of themselves, looked at after each step.
METRICS = ["perseid_connections", "perseid_channels", "perseid_sessions", "perseid_subscriptions", "unanswered"]
METRICS += ["perseid_deliveries_total", "perseid_publications_total", "perseid_sent_bytes_total", "perseid_laggards"]
METRICS += ["perseid_policy_actions_total", "perseid_evictions_total", "perseid_connections_refused_total"]
METRICS += [
    "perseid_gaps_found_total",
    "perseid_history_reads_total",
    "perseid_tail_hits_total",
    "perseid_bulk_waiting",
]
METRICS += ["perseid_backplane_losses_total", "perseid_inbox_overflows_total", "perseid_session_writes_total"]


class Run:
    def __init__(self, options, programs, directory, say):
        self.options = options
        self.programs = programs
        self.directory = directory
        self.say = say
        self.begin = time.monotonic()
        self.results = {}
        self.plan = fit.plan(options.clients, options.carrier, options.nodes)
        self.redis = redis.make(options.redis, directory)
        self.nodes = self.board = self.crowds = self.publisher = self.watch = None

    # Its parts

    def parts(self):
        return {
            "nodes": self.nodes.process_ids if self.nodes else [],
            "crowds": self.crowds.process_ids if self.crowds else [],
            "redis": self.redis.process_ids if self.redis.ports else [],
            "harness": [os.getpid()],
        }

    def start(self):
        self.before = costs.memory()
        self.redis.start()
        # Empty nodes take their base before anybody shares pages with them.
        self.nodes = Nodes(
            self.programs.perseid,
            self.plan.nodes,
            self.redis.url,
            self.directory,
            self.options.drain_seconds,
            dict(self.options.limit),
        )
        self.nodes.start(self.say)
        clients = self.options.clients
        thousands, tens = max(1, clients // 1_000), max(1, clients // 10)
        # Those to all, those to each of the others, and what the traffic of the other steps may have.
        capacity = 2 * (thousands + tens) + 600_000
        path = Path("/dev/shm") / f"perseid-million-{os.getpid()}"
        self.board = Board(path, self.nodes.ports, self.plan.crowds, thousands, tens, capacity)
        self.crowds = Crowds(self.programs.crowd, self.board, clients, self.options.carrier, self.directory)
        self.crowds.start()
        self.publisher = Publisher(self.board, self.nodes.ports, self.options.payload_bytes)
        self.watch = Watch(self.board, self.parts, self.begin)
        time.sleep(2)
        self.crowds.verify_alive()
        self.base = self.memory()
        self.watch.start()

    def stop(self):
        """Everything, by its process id; each part even if another one cannot be stopped."""
        for part in [self.watch, self.crowds, self.nodes, self.redis]:
            try:
                if part:
                    part.stop()
            except Exception as error:
                self.say(f"while stopping: {error}")
        if self.board:
            self.board.close()

    @contextmanager
    def all_of_it(self):
        try:
            self.start()
            yield self
        finally:
            self.say("stopping all processes")
            self.stop()

    def forget(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    # Steps

    def carry_out(self):
        """The steps one after the other. One that fails ends the run: what was measured before stays."""
        for name, step in steps.chosen(self.options):
            self.say(name)
            self.watch.mark(name)
            begin = time.monotonic()
            measured = step(self)
            self.nodes.verify_alive()
            self.crowds.verify_alive()
            measured["seconds"] = round(time.monotonic() - begin, 2)
            measured["offences"] = self.counted(OFFENCES)
            measured["refusals"] = self.counted(REFUSALS)
            measured["metrics"] = self.chosen_metrics() | {"log_lines": self.nodes.log_lines()}
            self.results[name] = measured
            self.say(f"  {measured['seconds']:.1f} s; {steps.in_short(measured)}")

    def counted(self, names):
        """Since the run began."""
        counters = self.board.counters()
        return {name: counters[name] for name in names if counters[name]}

    def chosen_metrics(self):
        """Sums over the nodes that run; counters of a node that was started again begin anew."""
        sums = self.nodes.metrics()
        return {name: sums[name] for name in METRICS if name in sums}

    # Measures

    def moment(self):
        return costs.Moment(self.parts())

    def readers(self, kind, number):
        """How many clients read a channel."""
        count = self.board.channel_counts[kind]
        return self.options.clients // count + (1 if number < self.options.clients % count else 0)

    def wait_ready(self, what, seconds):
        return self.crowds.wait(lambda: self.board.total("ready") >= self.options.clients, seconds, what, self.say)

    def verify(self):
        """Waits until nothing is on its way, and says what never came."""
        deadline = time.monotonic() + 60
        while (missing := self.crowds.check()) and time.monotonic() < deadline:
            time.sleep(1)
        return missing

    def memory(self):
        """Bytes of each part, all in."""
        parts = self.parts()
        found = {
            f"{name}_bytes": sum(map(costs.proportional_bytes, parts[name])) for name in ["nodes", "crowds", "redis"]
        }
        found["redis_used_bytes"] = redis.numbers(self.redis.ports)["bytes"]
        machine = costs.memory()
        found["kernel_bytes"] = sum(machine.get(kind, 0) for kind in ["Slab", "KernelStack", "PageTables", "Percpu"])
        found["available_bytes"] = machine["MemAvailable"]
        found["sockets"] = costs.sockets()
        return found

    def memory_per_client(self):
        """What the clients have added to the empty nodes, and the nodes' own beside it."""
        now = self.memory()
        clients = max(1, self.board.total("ready"))
        base = self.base
        added = {
            name: (now[f"{name}_bytes"] - base[f"{name}_bytes"]) / clients
            for name in ["nodes", "crowds", "redis", "redis_used", "kernel"]
        }
        added["nodes_all_in"] = now["nodes_bytes"] / clients
        added["machine"] = (base["available_bytes"] - now["available_bytes"]) / clients
        return {"bytes_per_client": added, "total": now, "base_bytes_per_node": base["nodes_bytes"] / self.plan.nodes}
