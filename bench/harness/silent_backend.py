"""A backend that answers questions about the channel "live" and is silent about all others: python3 -m harness.silent_backend PORT"""

import asyncio
import re
import sys

ANSWER = b'{"allow":true}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER)


async def hear(reader, writer):
    while True:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return writer.close()
        body = await reader.readexactly(int(re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)[1]))
        if b'"live"' not in body:
            # Whoever asked goes away; that is read as an end.
            await reader.read()
            return writer.close()
        writer.write(HEAD + ANSWER)


async def main(port):
    async with await asyncio.start_server(hear, "127.0.0.1", port, backlog=4_096) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
