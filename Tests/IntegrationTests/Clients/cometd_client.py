"""A client of aiocometd, as its users have it: it prints what it is told, a line each, and its client's id with it.

python3 cometd_client.py URL TRANSPORT CHANNEL…
"""

import asyncio
import json
import sys

from aiocometd_noloop import Client, ConnectionType

TRANSPORTS = {"long-polling": ConnectionType.LONG_POLLING, "websocket": ConnectionType.WEBSOCKET}


def tell(**facts):
    print(json.dumps(facts), flush=True)


async def main(url, transport, channels):
    async with Client(url, TRANSPORTS[transport], connection_timeout=60) as client:
        for channel in channels:
            await client.subscribe(channel)
        reply = await client.publish("/hello", {"from": "aiocometd"})
        tell(ready=reply["successful"], client=client._transport.client_id)
        async for message in client:
            tell(channel=message["channel"], data=message["data"], ext=message.get("ext"), client=client._transport.client_id)


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
