"""Processes: each bound to this one, logged to a file, and ended by its own id."""

import asyncio
import random
import signal
import socket
import subprocess

STOP_SECONDS = 15

# Below the range that the system takes for outgoing connections, so that none of those takes a server's port while that
# server is restarted; and above what the integration tests take, beside which this may run.
PORTS = range(24_000, 32_000)
given_ports = set()


def free_port():
    """Each once: whoever was given one may not listen yet."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in given_ports:
            given_ports.add(port)
            return port


class Child:
    """One run of one program; what it writes is appended to its log."""

    def __init__(self, name, process):
        self.name = name
        self.process = process

    @classmethod
    async def start(cls, name, command, log, environment=None, **settings):
        # setpriv becomes the program, under the same process id, and the kernel ends it with this process, however that
        # ends.
        bound = ["setpriv", "--pdeathsig", "KILL", "--"] + [str(part) for part in command]
        with open(log, "ab") as sink:
            settings = {"stdin": subprocess.DEVNULL, "stdout": sink, "stderr": sink} | settings
            process = await asyncio.create_subprocess_exec(*bound, env=environment, **settings)
        return cls(name, process)

    @property
    def is_running(self):
        return self.process.returncode is None

    def signal(self, number):
        if self.is_running:
            self.process.send_signal(number)

    async def end(self, within_seconds):
        """Its exit status once it ends; None if it does not in time."""
        try:
            return await asyncio.wait_for(self.process.wait(), within_seconds)
        except asyncio.TimeoutError:
            return None

    async def stop(self):
        """Ends it, in order if it can."""
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if await self.end(STOP_SECONDS) is None:
            await self.kill()

    async def kill(self):
        self.signal(signal.SIGKILL)
        await self.process.wait()


async def eventually(what, is_true, within_seconds=60, child=None):
    """Asks again and again, until it is true or the time is over or the process it is about has ended."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while not await is_true():
        if child and not child.is_running:
            raise RuntimeError(f"{child.name} ended by itself with {child.process.returncode}, before: {what}")
        if loop.time() >= deadline:
            raise RuntimeError(f"not within {within_seconds} s: {what}")
        await asyncio.sleep(0.05)
