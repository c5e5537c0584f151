"""Connections: too many, too short, never a whole request, never read."""

import asyncio

from ..behaviour import behaviour
from ..frames import get, upgrade


# As many as the live clients need, and 100.
@behaviour(
    "connections-without-end",
    "400 connections that say nothing, to a node that may have 340 descriptors",
    rows="7",
    width=400,
    descriptors=340,
    leaves_room=False,
    mixes=False,
)
async def connections_without_end(attacker):
    connection = await attacker.open()
    await connection.receive()


@behaviour("connections-reset", "20 clients that connect and reset, flat out", width=20)
async def connections_reset(attacker):
    while True:
        attacker.drop(await attacker.open())


@behaviour("upgrades-reset", "20 clients that open a WebSocket and reset it, flat out", rows="12", width=20)
async def upgrades_reset(attacker):
    while True:
        connection = await attacker.open()
        await connection.send(upgrade("session=none&channel=siege"))
        await attacker.head(connection)
        attacker.drop(connection)


@behaviour("heads-unfinished", "1,500 requests whose head of 16,000 bytes never ends", width=1_500)
async def heads_unfinished(attacker):
    connection = await attacker.open()
    await connection.send(get("/healthz", x="y" * 15_900)[:-4])
    while True:
        await asyncio.sleep(1)
        await connection.send(b"z")


@behaviour("heads-of-many-fields", "8 connections whose heads have 1,900 fields each, pipelined", width=8)
async def heads_of_many_fields(attacker):
    connection = await attacker.open()
    head = get("/healthz")[:-2] + b"".join(b"%x: 1\r\n" % number for number in range(1_900)) + b"\r\n"
    await connection.send(head * 64)
    await connection.discard()


@behaviour("answers-unread", "20 connections with 10,000 requests for the metrics each, unread", rows="2, 4", width=20)
async def answers_unread(attacker):
    connection = await attacker.open(is_narrow=True)
    await connection.send(get("/metrics") * 10_000)
    await asyncio.sleep(attacker.seconds)


@behaviour("metrics-read", "4 connections that ask for the metrics flat out", width=4)
async def metrics_read(attacker):
    connection = await attacker.open()
    await connection.send(get("/metrics") * 2_000)
    await connection.discard_for(1)
