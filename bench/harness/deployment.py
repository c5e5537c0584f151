"""Redis with Sentinels, or a Redis Cluster: those of chaos, without files, in a loop of their own."""

import asyncio
import threading

from chaos_harness.topologies import TOPOLOGIES

from .build import say

START_SECONDS = 60


class Deployment:
    """Use it from any thread but its own. Its servers end with this process, however that ends."""

    def __init__(self, kind, directory, **options):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.topology = TOPOLOGIES[kind](directory, say, is_durable=False, **options)

    def start(self):
        self.thread.start()
        self.run(self.topology.start(), START_SECONDS)

    def run(self, coroutine, within_seconds=None):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(within_seconds)

    @property
    def url(self):
        return self.topology.url

    @property
    def process_ids(self):
        return [server.child.process.pid for server in self.topology.processes]

    def stop(self):
        self.run(self.kill(), START_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def kill(self):
        children = [server.child for server in self.topology.processes if server.child]
        await asyncio.gather(*(child.kill() for child in children if child.is_running))
