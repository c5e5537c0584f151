"""The clients, as the test's own process sees them: some workers, each asked the same."""

import asyncio
import json
import sys
from pathlib import Path

from .child import Child, STOP_SECONDS
from .client import TRANSPORTS

BENCH = Path(__file__).resolve().parent.parent


class Crowd:
    def __init__(self, directory):
        self.directory = directory
        self.workers = []
        self.lock = asyncio.Lock()

    @property
    def journals(self):
        return [self.directory / f"clients-{number}.journal" for number in range(len(self.workers))]

    async def start(self, options, port, channels):
        for number in range(options.workers):
            log = self.directory / f"clients-{number}.log"
            command = [sys.executable, "-m", "chaos_harness.worker"]
            pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
            worker = await Child.start(f"clients {number}", command, log, cwd=BENCH, **pipes)
            self.workers.append(worker)
            order = {"port": port, "channels": channels, "seed": options.seed, "journal": str(self.journals[number])}
            order["is_mixed"] = options.mixed
            # In blocks of one of each, so that every worker has every transport.
            numbers = [client for client in range(options.clients) if client // len(TRANSPORTS) % options.workers == number]
            self.tell(worker, order | {"numbers": numbers})

    def tell(self, worker, order):
        worker.process.stdin.write(json.dumps(order).encode() + b"\n")

    async def ask(self, do, within_seconds=60, **order):
        """The workers' answers."""
        async with self.lock:
            for worker in self.workers:
                self.tell(worker, {"do": do} | order)
            answers = (self.answer(worker, within_seconds) for worker in self.workers)
            return await asyncio.gather(*answers)

    async def answer(self, worker, within_seconds):
        line = await asyncio.wait_for(worker.process.stdout.readline(), within_seconds)
        if not line:
            raise RuntimeError(f"{worker.name} ended: see {self.directory / worker.name.replace(' ', '-')}.log")
        return json.loads(line)

    async def stop(self):
        for worker in self.workers:
            worker.process.stdin.close()
            if await worker.end(STOP_SECONDS) is None:
                await worker.kill()
