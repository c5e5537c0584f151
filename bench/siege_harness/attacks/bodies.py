"""Bodies: never whole, in the smallest pieces."""

import asyncio

from ..behaviour import behaviour
from ..frames import request


@behaviour("bodies-unfinished", "1,500 publishes that lack their last byte", width=1_500)
async def bodies_unfinished(attacker):
    connection = await attacker.open()
    await connection.send(request("POST", "/channels/siege", content_length=65_536) + bytes(65_535))
    await connection.discard()


@behaviour("bodies-trickling", "300 publishes that come a byte at a time", width=300)
async def bodies_trickling(attacker):
    connection = await attacker.open()
    await connection.send(request("POST", "/channels/siege", content_length=65_536))
    while True:
        await asyncio.sleep(0.2)
        await connection.send(b"x")


@behaviour("chunks-tiny", "8 connections whose bodies come in chunks of one byte", rows="3", width=8)
async def chunks_tiny(attacker):
    connection = await attacker.open()
    while True:
        head = request("POST", "/channels/chunks", transfer_encoding="chunked")
        await attacker.ask(connection, head + b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n")


@behaviour("chunks-extended", "8 connections whose chunks have extensions without end", width=8)
async def chunks_extended(attacker):
    connection = await attacker.open()
    await connection.send(request("POST", "/channels/chunks", transfer_encoding="chunked"))
    while True:
        await connection.send(b"1;" + b"x" * 65_536)
