"""History: all of a full channel, asked for again and again."""

import asyncio
from functools import partial

from ..behaviour import behaviour
from ..frames import command, get, post
from ..full_history import CHANNEL

of_history = partial(behaviour, needs_history=True)

HISTORY = get(f"/channels/{CHANNEL}/history")


@of_history("history-unread", "50 connections that ask for a full history and read nothing", rows="4", width=50)
async def history_unread(attacker):
    connection = await attacker.open(is_narrow=True)
    await connection.send(HISTORY)
    await asyncio.sleep(attacker.seconds)


@of_history("history-pipelined", "one connection that asks for a full history 50 times and reads nothing", rows="4")
async def history_pipelined(attacker):
    connection = await attacker.open(is_narrow=True)
    await connection.send(HISTORY * 50)
    await asyncio.sleep(attacker.seconds)


@of_history("history-read", "4 connections that ask for a full history again and again, and read it", rows="4", width=4)
async def history_read(attacker):
    connection = await attacker.open()
    await connection.send(HISTORY * 200)
    await connection.discard()


@of_history("history-polled", "50 polls that ask for a full history and read nothing", rows="4", width=50)
async def history_polled(attacker):
    connection = await attacker.open(is_narrow=True)
    await connection.send(get(f"/poll?session=none&channel={CHANNEL}&cursor={CHANNEL}%400-1") * 10)
    await asyncio.sleep(attacker.seconds)


@of_history("replays-unread", "20 WebSockets that subscribe from the start of a full history, again and again", width=20)
async def replays_unread(attacker):
    connection = await attacker.upgrade("session=none", is_narrow=True)
    await connection.send((command("subscribe", CHANNEL, since="0-1") + command("unsubscribe", CHANNEL)) * 100)
    await asyncio.sleep(attacker.seconds)


@of_history("replays-read", "the same with 2 that read", width=2)
async def replays_read(attacker):
    connection = await attacker.upgrade("session=none")
    reading = asyncio.create_task(connection.discard())
    try:
        while not reading.done():
            await connection.send(command("subscribe", CHANNEL, since="0-1") + command("unsubscribe", CHANNEL))
        reading.result()
    finally:
        reading.cancel()


@behaviour(
    "replays-of-many",
    "2 WebSockets that fill 16 channels, subscribe to all from the start, and read nothing",
    width=2,
    is_remembered=True,
)
async def replays_of_many(attacker):
    name = attacker.unique()
    channels = [f"many-{name}-{number}" for number in range(16)]
    publisher = await attacker.open()
    reading = asyncio.create_task(publisher.discard())
    try:
        for channel in channels:
            await publisher.send(post(f"/channels/{channel}", b"x" * 65_536) * 20)
        connection = await attacker.upgrade("session=none", is_narrow=True)
        await connection.send(b"".join(command("subscribe", channel, since="0-1") for channel in channels))
        await asyncio.sleep(attacker.seconds)
    finally:
        reading.cancel()
