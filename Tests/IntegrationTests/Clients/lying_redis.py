"""Stands before a Redis and tells some lies about it: LISTEN-PORT REDIS-PORT LIE.

clock       its clock is 30 s ahead
old         it is a Redis 6, which knows no functions
"""

import asyncio
import sys
import time

AHEAD_SECONDS = 30
OLD_INFO = "redis_version:6.2.14\r\nrole:master\r\n"


def bulk(text):
    return f"${len(text)}\r\n{text}\r\n".encode()


def clock(words):
    if words[0] == "TIME":
        return b"*2\r\n" + bulk(str(int(time.time()) + AHEAD_SECONDS)) + bulk("0")


def old(words):
    if words[0] == "INFO":
        return bulk(OLD_INFO)
    if words[0] in ("FCALL", "FCALL_RO", "FUNCTION"):
        return f"-ERR unknown command `{words[0]}`, with args beginning with: \r\n".encode()


LIES = {"clock": clock, "old": old}


async def read_command(reader):
    """Its bytes and its words."""
    line = await reader.readuntil(b"\r\n")
    raw, words = line, []
    for _ in range(int(line[1:])):
        length = await reader.readuntil(b"\r\n")
        word = await reader.readexactly(int(length[1:]) + 2)
        raw += length + word
        words.append(word[:-2].decode(errors="replace").upper())
    return raw, words


async def read_reply(reader):
    line = await reader.readuntil(b"\r\n")
    if line[:1] == b"$" and line != b"$-1\r\n":
        return line + await reader.readexactly(int(line[1:]) + 2)
    if line[:1] == b"*":
        return line + b"".join([await read_reply(reader) for _ in range(max(int(line[1:]), 0))])
    return line


async def main():
    listen, port, lie = int(sys.argv[1]), int(sys.argv[2]), LIES[sys.argv[3]]

    async def serve(reader, writer):
        behind, ahead = await asyncio.open_connection("127.0.0.1", port)
        try:
            # Who asks here waits for each answer.
            while True:
                raw, words = await read_command(reader)
                answer = lie(words)
                if answer is None:
                    ahead.write(raw)
                    answer = await read_reply(behind)
                writer.write(answer)
        except (OSError, EOFError):
            pass
        finally:
            writer.close()
            ahead.close()

    server = await asyncio.start_server(serve, "127.0.0.1", listen)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


asyncio.run(main())
