"""Servers: how each is started, and how it is spoken to."""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from . import compression, hooks, keyed_pace, security, trust
from .build import BENCH, WORK
from .deployment import Deployment
from .process import Process, accepts, answers, free_port

# The hard limit of this machine's processes; nginx cannot raise it, and 15,000 connections fit.
DESCRIPTORS = 20_000


class Server:
    """A running server of one or more nodes. Use it in a `with` block."""

    family = ""
    subscribe_path = "/ws?channel=%c"
    publish_path = "/channels/%c"
    # What `load` needs to know besides.
    load_options: list[str] = []

    def __init__(self, cores=None):
        self.cores = cores
        self.processes = []
        self.auxiliary = []
        self.deployment = None
        self.ports = []
        self.commands = []

    def __enter__(self):
        WORK.mkdir(exist_ok=True)
        self.directory = Path(tempfile.mkdtemp(prefix=f"{self.family}-", dir=WORK))
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.auxiliary + self.processes):
            process.stop()
        if self.deployment:
            self.deployment.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        raise NotImplementedError

    @property
    def auxiliary_ids(self):
        """Of all that is not the server itself, above all Redis."""
        of_deployment = self.deployment.process_ids if self.deployment else []
        return [process.id for process in self.auxiliary] + of_deployment

    def run(self, command, name):
        self.commands.append(" ".join(command))
        return Process(command, self.directory / f"{name}.log", self.cores)

    def start_redis(self):
        """Redis without files: its durability is not what is compared."""
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        command += ["--dir", str(self.directory)]
        redis = self.run(command, "redis")
        self.auxiliary.append(redis)
        redis.wait_until(lambda: accepts(port), "Redis")
        self.redis_port = port
        return port

    def start_deployment(self, kind, **options):
        """Of Redis, in one of the ways in which it fails over or is sharded."""
        self.commands.append(f"({kind} of chaos, without files{', ' if options else ''}{', '.join(options)})")
        self.deployment = Deployment(kind, self.directory, **options)
        self.deployment.start()
        return self.deployment.url

    def start_silent_backend(self):
        port = free_port()
        # It stands for another machine, and must not take the server's time.
        command = ["nice", "-n", "19", sys.executable, str(BENCH / "harness" / "silent_backend.py"), str(port)]
        backend = self.run(command, "backend")
        self.auxiliary.append(backend)
        backend.wait_until(lambda: accepts(port), "the backend")
        return port


class Floor(Server):
    family = "floor"

    def __init__(self, programs, coalesces=False, nodes=1, over_redis=False, cores=None):
        super().__init__(cores)
        self.binary = programs.floor
        self.coalesces = coalesces
        self.nodes = nodes
        self.over_redis = over_redis

    def start(self):
        options = ["--coalesce"] if self.coalesces else []
        options += ["--redis", str(self.start_redis())] if self.over_redis else []
        for node in range(self.nodes):
            port = free_port()
            process = self.run([self.binary, "--port", str(port)] + options, f"floor{node}")
            self.processes.append(process)
            self.ports.append(port)
            process.wait_until(lambda: answers(port, "/"), "the floor")


class Nchan(Server):
    family = "nchan"
    subscribe_path = "/ws?id=%c"
    publish_path = "/pub?id=%c"

    def __init__(self, programs, workers=1, nodes=1, over_redis=False, prelude=False, cores=None):
        super().__init__(cores)
        self.workers = workers
        self.nodes = nodes
        self.over_redis = over_redis
        # nginx leaves Nagle's algorithm on until a connection has been kept alive once; where latency is measured
        # that would hold messages back for the peer's delayed acknowledgement.
        self.load_options = ["--prelude-path", "/nop"] if prelude else []

    def start(self):
        redis_port = self.start_redis() if self.over_redis else 0
        for node in range(self.nodes):
            self.start_node(node, redis_port)

    def start_node(self, node, redis_port):
        port = free_port()
        directory = self.directory / f"node{node}"
        directory.mkdir()
        configuration = directory / "nginx.conf"
        configuration.write_text(self.configuration(port, directory, redis_port))
        process = self.run(["nginx", "-c", str(configuration)], f"nginx{node}")
        self.processes.append(process)
        self.ports.append(port)
        # Over Redis a publish succeeds only when nchan has finished its own handshake with Redis.
        process.wait_until(lambda: answers(port, "/pub?id=probe", "POST", b"probe"), "nchan")

    def configuration(self, port, directory, redis_port):
        name = "nchan-redis.conf" if self.over_redis else "nchan-memory.conf"
        text = (BENCH / "peers" / name).read_text()
        values = {
            "workers": self.workers,
            "descriptors": DESCRIPTORS,
            "connections": DESCRIPTORS - 1_000,
            "directory": directory,
            "port": port,
            "redis_port": redis_port,
        }
        for key, value in values.items():
            text = text.replace("{{" + key + "}}", str(value))
        return text


class Perseid(Server):
    family = "perseid"

    def __init__(
        self,
        programs,
        reactors=1,
        nodes=1,
        over_redis=False,
        deployment=None,
        envelope=False,
        sessions=False,
        has_rules=False,
        has_tls=False,
        has_silent_hook=False,
        compresses=False,
        is_keyed=False,
        path="/ws?channel=%c",
        cores=None,
    ):
        super().__init__(cores)
        self.binary = programs.perseid
        self.reactors = reactors
        self.nodes = nodes
        self.over_redis = over_redis
        # What is between the nodes if it is more than one Redis: its kind, and what else is to be said of it.
        self.wanted_deployment = deployment
        self.has_rules = has_rules
        self.has_tls = has_tls
        self.has_silent_hook = has_silent_hook
        self.compresses = compresses
        self.is_keyed = is_keyed
        # nchan delivers the bare payload and has no sessions, so that is what is compared with it.
        self.subscribe_path = path + ("" if envelope else "&format=raw")
        if not sessions:
            self.subscribe_path += "&session=none"
        self.load_options = ["--await-subscribed"] if envelope else []
        # The generator finds the payloads, whatever is around them.
        if not path.startswith("/ws"):
            self.load_options += ["--transport", "event-stream"]

    def start(self):
        options = ["--redis", f"redis://127.0.0.1:{self.start_redis()}"] if self.over_redis else []
        if self.wanted_deployment:
            options = ["--redis", self.start_deployment(**self.wanted_deployment)]
        if self.has_rules:
            self.curve = trust.Curve()
            options += ["--config", str(trust.settings(self.directory, self.curve))]
        if self.has_tls:
            chain, key = security.make_certificate(self.directory)
            self.secure_port = free_port()
            file = self.directory / "tls.yaml"
            certificates = [{"certificate": str(chain), "key": str(key)}]
            file.write_text(json.dumps({"tls": {"listen": f"127.0.0.1:{self.secure_port}", "certificates": certificates}}))
            options += ["--config", str(file)]
        if self.compresses:
            options += ["--config", str(compression.settings(self.directory))]
        if self.is_keyed:
            options += ["--config", str(keyed_pace.settings(self.directory))]
        if self.has_silent_hook:
            options += ["--config", str(hooks.settings(self.directory, self.start_silent_backend()))]
        for node in range(self.nodes):
            port = free_port()
            command = [self.binary, "serve", "--listen", f"127.0.0.1:{port}", "--reactors", str(self.reactors)]
            process = self.run(command + options, f"perseid{node}")
            self.processes.append(process)
            self.ports.append(port)
            process.wait_until(lambda: answers(port, "/readyz"), "perseid")
