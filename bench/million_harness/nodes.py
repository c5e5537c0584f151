"""The nodes: started, killed, let go, and started again at the same port."""

import json
import signal
import subprocess
import time
import urllib.request

from harness.process import answers, free_port

START_SECONDS = 60
# Starting a node costs 50 ms of a core: this many at a time.
STARTED_TOGETHER = 8


class Node:
    def __init__(self, binary, number, redis_url, settings, directory):
        self.number = number
        self.port = free_port()
        self.log = directory / f"node{number}.log"
        # However this ends, nothing stays behind.
        self.command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            binary,
            "serve",
            "--listen",
            f"127.0.0.1:{self.port}",
            "--redis",
            redis_url,
        ]
        self.command += ["--reactors", "1", "--config", str(settings)]
        self.child = None

    def start(self):
        with open(self.log, "ab") as sink:
            self.child = subprocess.Popen(self.command, stdout=sink, stderr=sink)

    def wait(self, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.is_running:
            if answers(self.port, "/readyz"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"node {self.number} is not ready within {seconds} s: {self.last_words}")

    @property
    def last_words(self):
        return self.log.read_text(errors="replace")[-1000:]

    @property
    def is_running(self):
        return self.child is not None and self.child.poll() is None

    @property
    def id(self):
        return self.child.pid

    def kill(self):
        self.child.kill()
        self.child.wait()

    def terminate(self):
        self.child.send_signal(signal.SIGTERM)

    def metrics(self):
        """By name, summed over labels."""
        sums = {}
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as answer:
            for line in answer.read().decode().splitlines():
                if line and line[0] != "#":
                    name, value = line.rsplit(" ", 1)
                    name = name.split("{")[0]
                    sums[name] = sums.get(name, 0) + float(value)
        return sums


class Nodes:
    def __init__(self, binary, count, redis_url, directory, drain_seconds, more_limits):
        # A machine that is busy with a million clients on two cores has long turns: a node must not refuse those who
        # come because of that.
        limits = {"overload-lag-milliseconds": 600_000, "drain-milliseconds": int(drain_seconds * 1000)} | more_limits
        settings = directory / "perseid.yaml"
        settings.write_text(json.dumps({"limits": limits, "log-level": "notice"}))
        self.settings_text = settings.read_text()
        self.all = [Node(binary, number, redis_url, settings, directory) for number in range(count)]

    def start(self, say):
        for begin in range(0, len(self.all), STARTED_TOGETHER):
            together = self.all[begin : begin + STARTED_TOGETHER]
            for node in together:
                node.start()
            for node in together:
                node.wait()
            say(f"{begin + len(together)} of {len(self.all)} nodes are ready")

    @property
    def running(self):
        return [node for node in self.all if node.is_running]

    def verify_alive(self):
        for node in self.all:
            if node.child and not node.is_running:
                raise RuntimeError(f"node {node.number} ended with {node.child.returncode}: {node.last_words}")

    def log_lines(self):
        """How many lines there are of each level; those of a node that has much to say are its first mebibyte."""
        counts = {}
        for node in self.all:
            with open(node.log, errors="replace") as log:
                for line in log.read(1 << 20).splitlines():
                    level = (line.split() + ["", ""])[1]
                    counts[level] = counts.get(level, 0) + 1
        return counts

    @property
    def ports(self):
        return [node.port for node in self.all]

    @property
    def process_ids(self):
        return [node.id for node in self.running]

    def metrics(self):
        """Sums over the nodes that answer."""
        sums = {}
        for node in self.running:
            try:
                for name, value in node.metrics().items():
                    sums[name] = sums.get(name, 0) + value
            except OSError:
                sums["unanswered"] = sums.get("unanswered", 0) + 1
        return sums

    def stop(self):
        # Nobody is left who would miss a drain.
        for node in self.running:
            node.child.kill()
        for node in self.all:
            if node.child:
                node.child.wait()
