"""Publishing: much, to many channels, with many keys."""

import asyncio
from functools import partial
from itertools import cycle

from ..behaviour import behaviour
from ..frames import command, frame, post

BATCH = 64

remembered = partial(behaviour, is_remembered=True)


async def pour(connection, batches):
    """Sends without waiting for answers, and reads those."""
    reading = asyncio.create_task(connection.discard())
    try:
        for batch in batches:
            await connection.send(batch)
            if reading.done():
                break
        reading.result() if reading.done() else None
    finally:
        reading.cancel()


def forever(make):
    while True:
        yield make()


@behaviour("publishes-large", "8 connections that publish 64 KiB flat out", rows="5, 6", width=8)
async def publishes_large(attacker):
    connection = await attacker.open()
    # All in one channel: what a channel remembers is no connection's.
    batch = post("/channels/large", b"x" * 65_536) * 4
    await pour(connection, forever(lambda: batch))


@behaviour("publishes-large-and-read", "40 WebSockets that publish 64 KiB to each other flat out, and read it", width=40)
async def publishes_large_and_read(attacker):
    connection = await attacker.upgrade("session=none&channel=flood")
    batch = command("publish", "flood", data="x" * 65_000)
    await pour(connection, forever(lambda: batch))


@remembered("publishes-large-unread", "4 pairs: one publishes to 128 channels, the other reads none of it", width=4)
async def publishes_large_unread(attacker):
    name = attacker.unique()
    channels = [f"unread-{name}-{number}" for number in range(128)]
    await attacker.upgrade("session=none&" + "&".join(f"channel={channel}" for channel in channels), is_narrow=True)
    connection = await attacker.open()
    await pour(connection, (post(f"/channels/{channel}", b"x" * 65_536) for channel in cycle(channels)))


@remembered("publishes-large-to-new-channels", "4 connections that publish 64 KiB to a new channel each time", width=4)
async def publishes_large_to_new_channels(attacker):
    connection = await attacker.open()
    await pour(connection, forever(lambda: post(f"/channels/new-{attacker.unique()}", b"x" * 65_536)))


@behaviour("publishes-small", "8 connections that publish 16 bytes flat out", rows="5", width=8)
async def publishes_small(attacker):
    connection = await attacker.open()
    batch = post(f"/channels/small-{attacker.unique()}", b"x" * 16) * BATCH
    await pour(connection, forever(lambda: batch))


@remembered("publishes-to-new-channels", "4 connections that publish to a new channel each time", width=4)
async def publishes_to_new_channels(attacker):
    connection = await attacker.open()

    def batch():
        return b"".join(post(f"/channels/new-{attacker.unique()}", b"x") for _ in range(BATCH))

    await pour(connection, forever(batch))


@remembered("publishes-with-new-keys", "4 connections with a new idempotency key for each publish", rows="20", width=4)
async def publishes_with_new_keys(attacker):
    connection = await attacker.open()

    def batch():
        return b"".join(post("/channels/keys", b"x", idempotency_key=attacker.unique()) for _ in range(BATCH))

    await pour(connection, forever(batch))


@behaviour("publishes-unread", "20 WebSockets that publish flat out and never read the answers", width=20)
async def publishes_unread(attacker):
    connection = await attacker.upgrade("session=none", is_narrow=True)
    batch = frame(b'{"type":"publish","id":1,"channel":"unread","data":1}') * BATCH
    while True:
        await connection.send(batch)


@behaviour("publishes-broken-json", "4 connections that publish JSON 64 KiB deep", width=4)
async def publishes_broken_json(attacker):
    connection = await attacker.open()
    batch = post("/channels/deep", b"[" * 65_536, content_type="application/json")
    while True:
        await attacker.ask(connection, batch)
