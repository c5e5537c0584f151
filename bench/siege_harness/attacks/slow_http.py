"""slowhttptest, the tool of Debian, in all its modes."""

import asyncio
from contextlib import suppress

from ..behaviour import behaviour
from ..full_history import CHANNEL

PROGRAM = "slowhttptest"
CONNECTIONS = 1_000

children = []


async def run(attacker, path, *options):
    """Runs it for the rest of the attack; its connections count as this attacker's."""
    count = attacker.scaled(CONNECTIONS)
    command = [PROGRAM, "-c", count, "-r", 400, "-l", int(attacker.seconds) + 1, "-p", 3, "-v", 0]
    command += ["-u", f"http://127.0.0.1:{attacker.port}{path}", *options]
    null = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(*(str(part) for part in command), stdin=null, stdout=null, stderr=null)
    children.append(child)
    attacker.foreign_connections = count
    await child.wait()
    children.remove(child)


async def end_children():
    """Ends what still runs, so that its time on the processor is known."""
    for child in list(children):
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


@behaviour("slowhttptest-headers", "slowhttptest -H: 1,000 requests whose head never ends")
async def slow_headers(attacker):
    await run(attacker, "/channels/siege", "-H", "-i", 2, "-x", 24)


@behaviour("slowhttptest-body", "slowhttptest -B: 1,000 publishes whose body never ends")
async def slow_body(attacker):
    await run(attacker, "/channels/siege", "-B", "-i", 2, "-s", 8_192, "-x", 10)


@behaviour("slowhttptest-range", "slowhttptest -R: 1,000 requests for thousands of ranges")
async def many_ranges(attacker):
    await run(attacker, "/demo", "-R", "-t", "GET", "-a", 10, "-b", 3_000)


@behaviour(
    "slowhttptest-read",
    "slowhttptest -X: 1,000 readers of a full history with the smallest windows",
    rows="4",
    needs_history=True,
)
async def slow_read(attacker):
    options = ["-X", "-w", 512, "-y", 1_024, "-n", 1, "-z", 32, "-k", 3]
    await run(attacker, f"/channels/{CHANNEL}/history", *options)
