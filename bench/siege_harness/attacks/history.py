"""History: a channel full of what is six times as large in JSON, asked for again and again."""

import asyncio

from ..behaviour import behaviour
from ..frames import command, get, post

PUBLICATIONS = 100
# Control characters: each is six bytes (\u0001) in JSON.
PAYLOAD = b"\x01" * 65_536
CHANNEL = "full"


async def fill(attacker):
    """Fills the channel, unless an attacker of this process has or is about to."""
    if attacker.tally["filling"]:
        while not attacker.tally["filled"]:
            await asyncio.sleep(0.05)
        return
    attacker.tally["filling"] = 1
    try:
        connection = await attacker.open()
        for _ in range(PUBLICATIONS):
            await attacker.ask(connection, post(f"/channels/{CHANNEL}", PAYLOAD, content_type="text/plain"))
        attacker.tally["filled"] = 1
    finally:
        attacker.tally["filling"] = attacker.tally["filled"]


HISTORY = get(f"/channels/{CHANNEL}/history")


@behaviour("history-unread", "50 connections that ask for a full history and read nothing", rows="4", width=50)
async def history_unread(attacker):
    await fill(attacker)
    connection = await attacker.open(is_narrow=True)
    await connection.send(HISTORY)
    await asyncio.sleep(attacker.seconds)


@behaviour("history-pipelined", "one connection that asks for a full history 50 times and reads nothing", rows="4")
async def history_pipelined(attacker):
    await fill(attacker)
    connection = await attacker.open(is_narrow=True)
    await connection.send(HISTORY * 50)
    await asyncio.sleep(attacker.seconds)


@behaviour("history-read", "4 connections that ask for a full history again and again, and read it", rows="4", width=4)
async def history_read(attacker):
    await fill(attacker)
    connection = await attacker.open()
    await connection.send(HISTORY * 200)
    await connection.discard()


@behaviour("history-polled", "50 polls that ask for a full history and read nothing", rows="4", width=50)
async def history_polled(attacker):
    await fill(attacker)
    connection = await attacker.open(is_narrow=True)
    await connection.send(get(f"/poll?session=none&channel={CHANNEL}&cursor={CHANNEL}%400-1") * 10)
    await asyncio.sleep(attacker.seconds)


@behaviour("replays-unread", "20 WebSockets that subscribe from the start of a full history, again and again", width=20)
async def replays_unread(attacker):
    await fill(attacker)
    connection = await attacker.upgrade("session=none", is_narrow=True)
    await connection.send((command("subscribe", CHANNEL, since="0-1") + command("unsubscribe", CHANNEL)) * 100)
    await asyncio.sleep(attacker.seconds)


@behaviour("replays-read", "the same with 2 that read", width=2)
async def replays_read(attacker):
    await fill(attacker)
    connection = await attacker.upgrade("session=none")
    reading = asyncio.create_task(connection.discard())
    try:
        while not reading.done():
            await connection.send(command("subscribe", CHANNEL, since="0-1") + command("unsubscribe", CHANNEL))
        reading.result()
    finally:
        reading.cancel()
