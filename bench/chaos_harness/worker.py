"""A process of clients. It takes orders as lines of JSON on standard input and answers the same way."""

import asyncio
import json
import random
import sys

from .client import Client
from .journal import Journal


class Worker:
    def __init__(self, order):
        self.journal = Journal(order["journal"])
        numbers = order["numbers"]
        given = (order["port"], order["channels"], order["seed"], self.journal, order["is_mixed"])
        self.clients = [Client(number, *given) for number in numbers]
        self.tasks = []

    def start(self):
        self.tasks = [asyncio.create_task(client.run()) for client in self.clients]
        self.tasks.append(asyncio.create_task(self.watch_patience()))

    async def watch_patience(self):
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0.5)
            for client in self.clients:
                if client.transport:
                    client.transport.check_patience(loop.time())

    def check_tasks(self):
        """A client that ended is a mistake here, not a finding."""
        for task in self.tasks:
            if task.done():
                task.result()

    # Orders

    async def begin(self):
        """Waits until every client knows where it is in each of its channels."""
        while not all(client.has_begun for client in self.clients):
            self.check_tasks()
            await asyncio.sleep(0.05)
        return {}

    async def reset(self, share, seed):
        chosen = [client for client in self.clients if random.Random(f"{seed}/{client.number}").random() < share]
        for client in chosen:
            client.reset()
        return {"count": len(chosen)}

    async def slow(self, channel, share, seconds, seed):
        """Those with small buffers who read the channel, and a share of all."""
        draws = {client: random.Random(f"{seed}/{client.number}") for client in self.clients}
        chosen = [c for c in self.clients if c.is_narrow and channel in c.channels or draws[c].random() < share]
        for client in chosen:
            self.tasks.append(asyncio.create_task(client.read_nothing(seconds * draws[client].uniform(0.5, 1))))
        return {"count": len(chosen)}

    async def finish(self, positions, patience_seconds):
        """Waits until every client is at the last position of each of its channels; names those who are not."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience_seconds
        while behind := [client for client in self.clients if not is_at(client, positions)]:
            self.check_tasks()
            if loop.time() > deadline:
                break
            await asyncio.sleep(0.05)
        return {"behind": [client.number for client in behind]}

    async def close(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.journal.close()
        return {}


def is_at(client, positions):
    return all(client.positions.get(channel) == positions[channel] for channel in client.channels)


async def take_orders():
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=16 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    worker = Worker(json.loads(await reader.readline()))
    worker.start()
    while line := await reader.readline():
        order = json.loads(line)
        answer = await getattr(worker, order.pop("do"))(**order)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(take_orders())
