"""Publications by lines, in one body that does not end; and polls that do not wait."""

import itertools

from ..behaviour import behaviour
from ..frames import chunk, frame, get, request
from .publishing import forever, pour

BATCH = 64
SHORT = b'{"channel":"lines","data":1}\n'


async def begin(attacker, is_narrow=False):
    """A body that may begin: its answer has."""
    connection = await attacker.open(is_narrow)
    await connection.send(request("POST", "/publish", transfer_encoding="chunked"))
    await attacker.head(connection)
    return connection


@behaviour("lines-published", "8 bodies that publish a short line after the other flat out", width=8)
async def lines_published(attacker):
    batch = chunk(SHORT * BATCH)
    await pour(await begin(attacker), forever(lambda: batch))


@behaviour("lines-unread", "20 bodies of lines whose answers are never read", width=20)
async def lines_unread(attacker):
    connection = await begin(attacker, is_narrow=True)
    while True:
        await connection.send(chunk(b'{"channel":"lines","data":1,"id":"%s"}\n' % (b"i" * 120) * BATCH))


@behaviour("lines-broken", "8 bodies of the shortest lines there are, none of which is one", width=8)
async def lines_broken(attacker):
    batch = chunk(b"x\n" * 16_384)
    await pour(await begin(attacker), forever(lambda: batch))


@behaviour("lines-tiny", "8 bodies of lines that come in chunks of one byte", width=8)
async def lines_tiny(attacker):
    batch = b"".join(chunk(bytes([byte])) for byte in SHORT * BATCH)
    await pour(await begin(attacker), forever(lambda: batch))


@behaviour("lines-unfinished", "500 bodies with a line that lacks its end", width=500)
async def lines_unfinished(attacker):
    connection = await begin(attacker)
    await connection.send(chunk(b'{"channel":"lines","data":"' + b"x" * 100_000))
    await connection.discard()


@behaviour("lines-too-long", "8 bodies of one line without an end", width=8)
async def lines_too_long(attacker):
    batch = chunk(b"x" * 65_536)
    await pour(await begin(attacker), forever(lambda: batch))


@behaviour("polls-at-once", "8 connections that poll 64 channels and do not wait, flat out", width=8)
async def polls_at_once(attacker):
    connection = await attacker.open()
    channels = "&".join(f"channel=interval-{number}" for number in range(64))
    batch = get(f"/poll?wait=0&session=none&{channels}") * 8
    await pour(connection, forever(lambda: batch))


# A channel that was asked for is heard for a while, whoever asked.
@behaviour(
    "polls-at-once-of-new-channels",
    "4 connections that poll a new channel each time and do not wait",
    width=4,
    is_remembered=True,
)
async def polls_at_once_of_new_channels(attacker):
    connection = await attacker.open()
    numbers = itertools.count()

    def batch():
        name = attacker.unique()
        return b"".join(get(f"/poll?wait=0&session=none&channel={name}-{next(numbers)}") for _ in range(BATCH))

    await pour(connection, forever(batch))


@behaviour("commands-in-arrays", "20 WebSockets that publish 128 times with each message and never read the answers", width=20)
async def commands_in_arrays(attacker):
    connection = await attacker.upgrade("session=none", is_narrow=True)
    message = frame(b"[" + b",".join([b'{"type":"publish","id":1,"channel":"unread","data":1}'] * 128) + b"]")
    while True:
        await connection.send(message)
