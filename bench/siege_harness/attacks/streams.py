"""Readers: that do not read, that trickle, whose packets are lost, whose cursors are huge."""

import asyncio
import uuid
from itertools import cycle

from ..behaviour import behaviour
from ..frames import get
from ..live import CHANNEL

PATHS = cycle(["/sse", "/stream", "/poll"])


@behaviour("readers-slow", "200 WebSockets of the live channel that read nothing", rows="2", width=200)
async def readers_slow(attacker):
    await attacker.upgrade(f"session=none&channel={CHANNEL}", is_narrow=True)
    await asyncio.sleep(attacker.seconds)


@behaviour("readers-trickling", "200 streams of the live channel that read ten bytes a second", rows="29", width=200)
async def readers_trickling(attacker):
    connection = await attacker.open(is_narrow=True)
    await connection.send(get(f"/stream?session=none&channel={CHANNEL}"))
    while True:
        await connection.receive(1)
        await asyncio.sleep(0.1)


@behaviour("readers-cut-off", "300 readers of the live channel whose packets are all lost", rows="29", width=300)
async def readers_cut_off(attacker):
    connection = await attacker.open()
    await connection.send(get(f"{next(PATHS)}?session=none&channel={CHANNEL}"))
    await asyncio.sleep(1)
    connection.go_deaf()
    await asyncio.sleep(attacker.seconds)


@behaviour("readers-half-closed", "500 event streams whose client has closed its half", width=500)
async def readers_half_closed(attacker):
    connection = await attacker.open()
    await connection.send(get("/sse?session=none&channel=siege"))
    await attacker.head(connection)
    connection.half_close()
    await connection.discard()


@behaviour("cursors-large", "20 event streams that come back with 128 long names, again and again", rows="31", width=20)
async def cursors_large(attacker):
    names = [f"o/{uuid.uuid4()}" for _ in range(128)]
    query = "&".join(f"channel={name}" for name in names)
    cursor = ",".join(f"{name}@1763881234567-0" for name in names)
    while True:
        connection = await attacker.open()
        await connection.send(get(f"/sse?session=none&{query}", Last_Event_ID=cursor))
        await attacker.head(connection)
        attacker.drop(connection)


@behaviour("channels-many", "200 WebSockets with 128 channels of their own each", width=200)
async def channels_many(attacker):
    name = attacker.unique()
    query = "&".join(f"channel=many-{name}-{number}" for number in range(128))
    connection = await attacker.upgrade(f"session=none&{query}")
    await connection.discard()
