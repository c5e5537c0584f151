"""Readers of one channel that take what is compressed, as their libraries do it: Python's websockets, curl, and zlib on a socket;
Node's fetch and ws where they are. They come one after the other while ticks are published. Each must be told every tick since it came, in
order. The arguments: the URL to publish to, and the URLs to read from, in turn. Prints a line of JSON for each reader, and ends with 1
where one of them was told something else. Runs with websockets 10 and later."""

import asyncio
import json
import os
import random
import shutil
import ssl
import sys
import urllib.request
import zlib
from urllib.parse import urlsplit

import websockets

TICKS = 600
CHANNEL = "ticks"
UNCHECKED = ssl.create_default_context()
UNCHECKED.check_hostname = False
UNCHECKED.verify_mode = ssl.CERT_NONE


def tick(number):
    bid = random.uniform(1, 900)
    return {"number": number, "symbol": random.choice(["EURUSD", "AAPL", "MSFT"]), "bid": round(bid, 4),
            "ask": round(bid * 1.0001, 4), "time": 1795813448614 + number * 100, "venue": "XNAS"}


class Reader:
    def __init__(self, name, url):
        self.name, self.url = name, url
        self.numbers = []
        self.byte_count = 0
        self.began = asyncio.Event()
        self.failure = None

    def take(self, message):
        if message.get("type") == "subscribed":
            self.began.set()
        if message.get("type") == "message":
            self.numbers.append(message["data"]["number"])

    async def run(self):
        try:
            await self.read()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # said in its line, whatever it is
            self.failure = repr(error)
            self.began.set()


class WebSocket(Reader):
    compression = "deflate"

    async def read(self):
        url = self.url.replace("http", "ws", 1) + f"/ws?channel={CHANNEL}"
        context = UNCHECKED if url.startswith("wss") else None
        async with websockets.connect(url, ssl=context, compression=self.compression, open_timeout=60) as socket:
            agreed = [each.name for each in socket.extensions]
            assert agreed == (["permessage-deflate"] if self.compression else []), agreed
            # Compressed by the library, too.
            await socket.send(json.dumps({"type": "ping", "id": "x" * 500}))
            async for text in socket:
                self.take(json.loads(text))


class PlainWebSocket(WebSocket):
    compression = None


class Lines(Reader):
    """Lines of JSON, of an event stream or of a JSON stream."""

    def take_line(self, line):
        line = line.removeprefix(b"data: ").strip()
        if line.startswith(b"{"):
            self.take(json.loads(line))


class Curl(Lines):
    fields = []

    async def read(self):
        path = "/sse" if self.name.endswith("events") else "/stream"
        process = await asyncio.create_subprocess_exec(
            "curl", "--no-buffer", "--silent", "--insecure", "--compressed", *self.fields, f"{self.url}{path}?channel={CHANNEL}",
            stdout=asyncio.subprocess.PIPE)
        try:
            async for line in process.stdout:
                self.take_line(line)
        finally:
            process.kill()


class CurlDeflate(Curl):
    fields = ["--header", "Accept-Encoding: deflate"]


class Zlib(Lines):
    """Takes the body apart itself, so that it knows how many bytes came."""

    coding, window_bits = "gzip", 31

    async def read(self):
        parts = urlsplit(self.url)
        context = UNCHECKED if parts.scheme == "https" else None
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
        writer.write(f"GET /sse?channel={CHANNEL} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept-Encoding: {self.coding}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert f"content-encoding: {self.coding}\r\n".encode() in head.lower(), head
        inflater, rest = zlib.decompressobj(self.window_bits), b""
        while True:
            count = int(await reader.readline(), 16)
            if count == 0:
                assert inflater.eof, f"the stream ended before {self.coding} did"
                return
            self.byte_count += count
            rest += inflater.decompress(await reader.readexactly(count))
            await reader.readexactly(2)
            *lines, rest = rest.split(b"\n")
            for line in lines:
                self.take_line(line)


class ZlibDeflate(Zlib):
    coding, window_bits = "deflate", 15


class NodeFetch(Lines):
    """What Node itself has; it undoes what it did not ask for by itself, too."""

    SCRIPT = """
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
        fetch(process.argv[1], { headers: { "Accept-Encoding": "deflate" } }).then(async (answer) => {
            if (answer.headers.get("Content-Encoding") !== "deflate") throw new Error("nothing was agreed on");
            for await (const piece of answer.body) process.stdout.write(piece);
        });"""

    async def read(self):
        process = await asyncio.create_subprocess_exec(
            "node", "--no-warnings", "-e", self.SCRIPT, f"{self.url}/stream?channel={CHANNEL}", stdout=asyncio.subprocess.PIPE)
        try:
            async for line in process.stdout:
                self.take_line(line)
            raise RuntimeError(f"node ended with {await process.wait()}")
        finally:
            if process.returncode is None:
                process.kill()


class Node(Lines):
    SCRIPT = """
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
        const WebSocket = require(process.argv[1]);
        const socket = new WebSocket(process.argv[2], { perMessageDeflate: { threshold: 0 } });
        socket.on("open", () => {
            if (!socket.extensions.includes("permessage-deflate")) throw new Error("nothing was agreed on");
            socket.send(JSON.stringify({ type: "ping", id: "x".repeat(500) }));
        });
        socket.on("message", (data) => console.log(String(data)));
        socket.on("error", (error) => { throw error; });"""
    library = os.environ.get("PERSEID_TEST_WS", "/usr/share/nodejs/ws")

    async def read(self):
        url = self.url.replace("http", "ws", 1) + f"/ws?channel={CHANNEL}"
        process = await asyncio.create_subprocess_exec(
            "node", "--no-warnings", "-e", self.SCRIPT, self.library, url, stdout=asyncio.subprocess.PIPE)
        try:
            async for line in process.stdout:
                self.take_line(line)
            raise RuntimeError(f"node ended with {await process.wait()}")
        finally:
            if process.returncode is None:
                process.kill()


def publish(url, number):
    request = urllib.request.Request(f"{url}/channels/{CHANNEL}", json.dumps(tick(number)).encode(),
                                     {"Content-Type": "application/json"})
    urllib.request.urlopen(request, context=UNCHECKED).read()


async def main(publish_url, urls):
    random.seed(7)
    kinds = [("websockets", WebSocket), ("plain", PlainWebSocket), ("curl events", Curl), ("curl lines", Curl), ("zlib", Zlib),
             ("curl deflate events", CurlDeflate), ("curl deflate lines", CurlDeflate), ("zlib deflate", ZlibDeflate)]
    if shutil.which("node"):
        kinds.append(("node's fetch", NodeFetch))
    if os.path.isdir(Node.library):
        kinds.append(("ws", Node))
    kinds = kinds * 3 + [("websockets", WebSocket)] * 3
    readers, firsts, tasks = [], {}, []
    loop = asyncio.get_running_loop()
    for number in range(TICKS):
        if number % (TICKS // (len(kinds) + 3)) == 0 and len(readers) < len(kinds):
            name, kind = kinds[len(readers)]
            reader = kind(name, urls[len(readers) % len(urls)])
            tasks.append(asyncio.create_task(reader.run()))
            await asyncio.wait_for(reader.began.wait(), 60)
            firsts[reader] = number
            readers.append(reader)
        await loop.run_in_executor(None, publish, publish_url, number)
    end = loop.time() + 60
    while loop.time() < end and any(not each.failure and each.numbers[-1:] != [TICKS - 1] for each in readers):
        await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    is_right = True
    for reader in readers:
        # Its node may hear of one only then that was published at another node before the reader came.
        first = min(reader.numbers[:1] + [firsts[reader]])
        is_whole = reader.failure is None and reader.numbers == list(range(first, TICKS))
        is_right = is_right and is_whole
        print(json.dumps({"reader": reader.name, "url": reader.url, "first": first, "ticks": len(reader.numbers), "isWhole": is_whole,
                          "failure": reader.failure, "bytes": reader.byte_count}))
    sys.exit(0 if is_right else 1)


asyncio.run(main(sys.argv[1], sys.argv[2:]))
