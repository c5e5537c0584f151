"""Sessions: guessed, abandoned, stolen from oneself."""

import asyncio
import secrets

from ..behaviour import behaviour
from ..frames import get


@behaviour(
    "tokens-wrong",
    "a thousand wrong tokens a second from the address of the live clients",
    rows="9",
    shares_address=True,
)
async def tokens_wrong(attacker):
    connection = await attacker.open()
    while True:
        token = f"{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        await attacker.ask(connection, get(f"/poll?channel=siege&session={token}"))
        await asyncio.sleep(0.001)


@behaviour("sessions-abandoned", "20 clients that open sessions and leave, flat out", rows="12", width=20)
async def sessions_abandoned(attacker):
    while True:
        await attacker.token()


@behaviour("sessions-resumed", "10 clients that resume their session again and again", width=10)
async def sessions_resumed(attacker):
    token = await attacker.token()
    while True:
        connection = await attacker.upgrade(f"session={token}&channel=siege")
        attacker.drop(connection)


@behaviour("sessions-stolen", "50 pairs of event streams that take one session from each other", rows="30", width=50)
async def sessions_stolen(attacker):
    token = await attacker.token()

    async def tab():
        while True:
            connection = await attacker.open()
            try:
                await connection.send(get(f"/sse?channel=siege&session={token}"))
                await attacker.head(connection)
                await connection.discard()
            except (EOFError, OSError):
                attacker.drop(connection)
            await asyncio.sleep(0.05)

    await asyncio.gather(tab(), tab())
