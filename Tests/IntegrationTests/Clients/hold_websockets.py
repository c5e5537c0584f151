"""Opens a WebSocket for each URL it is given and prints what happens, a line each: the number of the socket, `m` and a
message as it came, or `e` and how the socket ended. A line of JSON on standard input, such as
{"client": 0, "send": "text"}, sends a text. Runs with websockets 10 and later."""

import asyncio
import json
import sys
import threading

import websockets


def say(number, kind, text):
    sys.stdout.write(f"{number} {kind} {text}\n")
    sys.stdout.flush()


async def hold(number, url, sockets):
    try:
        async with websockets.connect(url, ping_interval=None, max_size=None, open_timeout=120) as socket:
            sockets[number] = socket
            async for message in socket:
                say(number, "m", message)
    except (OSError, asyncio.TimeoutError, websockets.exceptions.WebSocketException) as error:
        say(number, "e", f"error {error!r}")
    else:
        say(number, "e", f"closed {socket.close_code} {socket.close_reason}")


def take_orders(loop, sockets):
    for line in sys.stdin:
        order = json.loads(line)
        asyncio.run_coroutine_threadsafe(sockets[order["client"]].send(order["send"]), loop)


async def main(urls):
    sockets = {}
    orders = threading.Thread(target=take_orders, args=(asyncio.get_running_loop(), sockets), daemon=True)
    orders.start()
    await asyncio.gather(*(hold(number, url, sockets) for number, url in enumerate(urls)))


asyncio.run(main(sys.argv[1:]))
