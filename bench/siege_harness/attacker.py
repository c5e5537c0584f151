"""One attacker: where it attacks, the connections it has, and what became of them."""

import asyncio
import os

from .frames import get, upgrade
from .hostile_connection import HostileConnection

# Between an attempt that was cut and the next: a client in a hurry.
PAUSE_SECONDS = 0.02


class Attacker:
    def __init__(self, order, behaviour, tally):
        self.behaviour = behaviour
        self.port = order["port"]
        self.address = order["address"]
        self.scale = order["scale"]
        self.seconds = order["seconds"]
        # Shared by all attackers of a process.
        self.tally = tally
        self.connections = []
        # Of a program that attacks for it.
        self.foreign_connections = 0

    async def run(self):
        """Attacks, again and again whenever it is cut off."""
        while True:
            try:
                await self.behaviour.attack(self)
                self.tally["rounds"] += 1
            except EOFError as error:
                self.tally[f"cut: {error}"] += 1
            except OSError as error:
                self.tally[f"cut: {type(error).__name__}"] += 1
            for connection in self.connections:
                connection.close()
            self.connections = []
            await asyncio.sleep(PAUSE_SECONDS)

    def unique(self):
        """A name that nobody else has."""
        self.tally["names"] += 1
        return f"{os.getpid()}-{self.tally['names']}"

    def scaled(self, count):
        return max(1, round(count * self.scale))

    async def open(self, is_narrow=False):
        connection = await HostileConnection.open(self.port, self.address, is_narrow)
        self.connections.append(connection)
        self.tally["opened"] += 1
        return connection

    async def upgrade(self, query="", is_narrow=False):
        """A WebSocket; raises EOFError if the node does not want it."""
        connection = await self.open(is_narrow)
        await connection.send(upgrade(query))
        status, _ = await self.head(connection)
        if status != 101:
            raise EOFError(f"status {status}")
        return connection

    async def head(self, connection):
        status, fields = await connection.head()
        self.tally[f"status {status}"] += 1
        return status, fields

    async def ask(self, connection, data):
        """Sends a request and takes its answer."""
        await connection.send(data)
        status, fields = await connection.answer()
        self.tally[f"status {status}"] += 1
        return status, fields

    async def token(self):
        """Of a new session, to which nobody is connected any longer."""
        connection = await self.open()
        await connection.send(get("/sse?channel=siege"))
        _, fields = await self.head(connection)
        self.drop(connection)
        if "perseid-session" not in fields:
            raise EOFError("no session")
        return fields["perseid-session"]

    def drop(self, connection):
        self.connections.remove(connection)
        connection.reset()
