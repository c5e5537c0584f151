"""WebSockets: frames and commands without end."""

import asyncio

from ..behaviour import behaviour
from ..frames import BINARY, CONTINUATION, PING, TEXT, command, frame
from .publishing import forever, pour

PINGS = 480_000
PONG_BYTES = 2


@behaviour("pings-unread", "a WebSocket that sends 480,000 empty pings, and only then reads, again and again", rows="2")
async def pings_unread(attacker):
    connection = await attacker.upgrade("session=none", is_narrow=True)
    await connection.send_within(frame(opcode=PING) * PINGS, seconds=5)
    await asyncio.sleep(1)
    connection.widen()
    pongs = 0
    while pongs < PINGS * PONG_BYTES:
        pongs += len(await connection.receive())


@behaviour("pings-read", "2 WebSockets that ping flat out and read the pongs", rows="2", width=2)
async def pings_read(attacker):
    connection = await attacker.upgrade("session=none")
    batch = frame(opcode=PING) * 10_000
    await pour(connection, forever(lambda: batch))


@behaviour("channels-left", "a WebSocket that subscribes to and leaves ever new names", rows="3")
async def channels_left(attacker):
    connection = await attacker.upgrade("session=none")

    def batch():
        names = [f"left-{attacker.unique()}" for _ in range(500)]
        return b"".join(command("subscribe", name) + command("unsubscribe", name) for name in names)

    await pour(connection, forever(batch))


@behaviour("presence-asked", "a WebSocket that asks who is there, flat out", rows="11")
async def presence_asked(attacker):
    connection = await attacker.upgrade("channel=p/siege")
    batch = command("presence", "p/siege") * 500
    await pour(connection, forever(lambda: batch))


@behaviour("members-coming-and-going", "10 WebSockets that join and leave a channel that tells its members", width=10)
async def members_coming_and_going(attacker):
    connection = await attacker.upgrade("channel=$presence/p/siege")
    batch = (command("subscribe", "p/siege") + command("unsubscribe", "p/siege")) * 100
    await pour(connection, forever(lambda: batch))


@behaviour("errors-unread", "20 WebSockets whose commands are all wrong, and which read nothing", rows="2", width=20)
async def errors_unread(attacker):
    connection = await attacker.upgrade("session=none", is_narrow=True)
    batch = frame(b"{}") * 5_000
    while True:
        await connection.send(batch)


@behaviour("fragments-unfinished", "1,500 WebSockets with 65,000 bytes each of a message that never ends", width=1_500)
async def fragments_unfinished(attacker):
    connection = await attacker.upgrade("session=none")
    await connection.send(frame(bytes(65_000), BINARY, is_final=False))
    await connection.discard()


@behaviour("fragments-tiny", "8 WebSockets whose messages come in fragments of one byte", width=8)
async def fragments_tiny(attacker):
    connection = await attacker.upgrade("session=none")
    text = b'{"type":"ping"}'
    parts = [frame(text[:1], TEXT, False)] + [frame(text[n : n + 1], CONTINUATION, False) for n in range(1, len(text))]
    batch = (b"".join(parts) + frame(b"", CONTINUATION)) * 500
    await pour(connection, forever(lambda: batch))


@behaviour("fragments-empty", "8 WebSockets with a message of empty fragments that never ends", width=8)
async def fragments_empty(attacker):
    connection = await attacker.upgrade("session=none")
    await connection.send(frame(b"{", TEXT, False))
    batch = frame(b"", CONTINUATION, False) * 10_000
    await pour(connection, forever(lambda: batch))


@behaviour("bytes-one-by-one", "20 WebSockets that send each byte of a large command alone", width=20)
async def bytes_one_by_one(attacker):
    connection = await attacker.upgrade("session=none")
    text = command("publish", "slow", id="x" * 20_000)
    for index in range(len(text)):
        await connection.send(text[index : index + 1])
        await asyncio.sleep(0)
