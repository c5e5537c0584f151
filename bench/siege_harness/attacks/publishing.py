"""Publishing: much, to many channels, with many keys."""

import asyncio

from ..behaviour import behaviour
from ..frames import frame, post

BATCH = 64


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


@behaviour("publishes-small", "8 connections that publish 16 bytes flat out", rows="5", width=8)
async def publishes_small(attacker):
    connection = await attacker.open()
    batch = post(f"/channels/small-{attacker.unique()}", b"x" * 16) * BATCH
    await pour(connection, forever(lambda: batch))


@behaviour("publishes-to-new-channels", "4 connections that publish to a new channel each time", width=4)
async def publishes_to_new_channels(attacker):
    connection = await attacker.open()

    def batch():
        return b"".join(post(f"/channels/new-{attacker.unique()}", b"x") for _ in range(BATCH))

    await pour(connection, forever(batch))


@behaviour("publishes-with-new-keys", "4 connections with a new idempotency key for each publish", rows="20", width=4)
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
