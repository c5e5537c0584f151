"""Bayeux: sessions without end, connects without an answer, batches that are as large as they may be."""

import asyncio
import json
import secrets

from ..behaviour import behaviour
from ..frames import post

BATCH = 128
HANDSHAKE = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
CONNECT = {"channel": "/meta/connect", "connectionType": "long-polling"}


def request(messages):
    body = messages if isinstance(messages, bytes) else json.dumps(messages).encode()
    return post("/bayeux", body, Content_Type="application/json")


async def replies(attacker, connection, messages):
    await connection.send(request(messages))
    status, fields = await attacker.head(connection)
    count = int(fields.get("content-length", 0))
    while len(connection.input) < count:
        connection.input += await connection.receive()
    body = bytes(connection.input[:count])
    del connection.input[:count]
    if status != 200:
        raise EOFError(f"status {status}")
    return json.loads(body)


async def shake_hands(attacker, connection, **more):
    """The clientId of a new session whose first connect was answered."""
    reply = (await replies(attacker, connection, [HANDSHAKE | more]))[0]
    if not reply["successful"]:
        raise EOFError("no session")
    client = {"clientId": reply["clientId"]}
    await replies(attacker, connection, [CONNECT | client])
    return client


@behaviour("bayeux-handshakes", "20 clients of Bayeux that shake hands and never come back, flat out", width=20)
async def bayeux_handshakes(attacker):
    connection = await attacker.open()
    while True:
        await replies(attacker, connection, [HANDSHAKE])


@behaviour("bayeux-foreign", "8 clients of Bayeux that invent a clientId with each message, 128 at a time", width=8)
async def bayeux_foreign(attacker):
    connection = await attacker.open()
    while True:
        kinds = ["/meta/connect", "/meta/subscribe", "/meta/disconnect", "/siege-foreign"]
        batch = [
            {"channel": kinds[number % 4], "clientId": secrets.token_hex(32), "connectionType": "long-polling"}
            | {"subscription": "/siege", "data": number}
            for number in range(BATCH)
        ]
        await replies(attacker, connection, batch)


@behaviour("bayeux-batches", "8 clients of Bayeux that subscribe to 64 names and leave them in each batch", width=8)
async def bayeux_batches(attacker):
    connection = await attacker.open()
    client = await shake_hands(attacker, connection)
    while True:
        names = [f"/siege-batch/{attacker.unique()}" for _ in range(BATCH // 2)]
        kinds = ["/meta/subscribe", "/meta/unsubscribe"]
        await replies(
            attacker,
            connection,
            [{"channel": kind, "subscription": name} | client for kind in kinds for name in names],
        )


@behaviour("bayeux-connects-doubled", "50 clients of Bayeux that connect again and again before the answer", width=50)
async def bayeux_connects_doubled(attacker):
    first = await attacker.open()
    client = await shake_hands(attacker, first)
    await replies(attacker, first, [{"channel": "/meta/subscribe", "subscription": "/siege-quiet"} | client])
    while True:
        connection = await attacker.open()
        await connection.send(request([CONNECT | client]))
        await asyncio.sleep(0.01)
        if len(attacker.connections) > 10:
            attacker.drop(attacker.connections[1])


@behaviour("bayeux-unread", "200 clients of Bayeux with 1,000 connects one behind the other, whose answers are not read", width=200)
async def bayeux_unread(attacker):
    connection = await attacker.open(is_narrow=True)
    client = await shake_hands(attacker, connection, ext={"ack": True})
    await replies(attacker, connection, [{"channel": "/meta/subscribe", "subscription": "/siege"} | client])
    await connection.send(request([CONNECT | client | {"ext": {"ack": 0}}]) * attacker.scaled(1_000))
    await asyncio.sleep(10)


@behaviour("bayeux-deep", "4 clients of Bayeux whose messages are lists in lists, 64 KiB deep", width=4)
async def bayeux_deep(attacker):
    connection = await attacker.open()
    data = b"[" * 32_000 + b"]" * 32_000
    while True:
        for body in (data, b'[{"channel":"/siege-deep","data":' + data + b"}]", b'[{"channel":"/meta/connect","ext":' + data + b"}]"):
            await attacker.ask(connection, request(body))
