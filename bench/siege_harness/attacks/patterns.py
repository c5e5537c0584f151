"""Patterns: of everything, of ever new names, of more channels than one may stand for."""

import asyncio

from ..behaviour import behaviour
from ..frames import command
from .publishing import forever, pour

PATTERNS = 16


@behaviour("patterns-unread", "200 WebSockets that read all channels there are, and read nothing", width=200)
async def patterns_unread(attacker):
    connection = await attacker.upgrade("session=none&channel=**", is_narrow=True)
    await asyncio.sleep(30)


@behaviour("patterns-left", "4 WebSockets that subscribe to and leave ever new patterns, each of which is looked for", width=4)
async def patterns_left(attacker):
    connection = await attacker.upgrade("session=none")

    def batch():
        names = [f"left-{attacker.unique()}/**" for _ in range(PATTERNS)]
        return b"".join(command("subscribe", name) for name in names) + b"".join(
            command("unsubscribe", name) for name in names
        )

    await pour(connection, forever(batch))


@behaviour("patterns-many", "200 WebSockets with 16 patterns of their own each", width=200)
async def patterns_many(attacker):
    connection = await attacker.upgrade("session=none")
    names = [f"many-{attacker.unique()}/*" for _ in range(PATTERNS)]
    await connection.send(b"".join(command("subscribe", name) for name in names))
    await connection.discard_for(20)


@behaviour(
    "patterns-of-many-channels",
    "a WebSocket that reads a pattern, and one that publishes to ever new channels of it, flat out",
    is_remembered=True,
)
async def patterns_of_many_channels(attacker):
    reader = await attacker.upgrade("session=none&channel=new/**")
    reading = asyncio.create_task(reader.discard())
    publisher = await attacker.upgrade("session=none")

    def batch():
        return b"".join(command("publish", f"new/{attacker.unique()}", data="x") for _ in range(64))

    try:
        await pour(publisher, forever(batch))
    finally:
        reading.cancel()
