"""Polls: many channels, many waiting, answered and then silent."""

import asyncio

from ..behaviour import behaviour
from ..frames import get, post

CHANNELS_PER_POLL = 128


def channels(prefix, count):
    return "&".join(f"channel={prefix}-{number}" for number in range(count))


async def name_channels(attacker, token, polls):
    """Polls again and again with one token, naming other channels each time, and one that something is published in."""
    polling, publishing = await attacker.open(), await attacker.open()
    for number in range(polls):
        names = channels(f"{token[:8]}-{number}", CHANNELS_PER_POLL - 1)
        target = f"/poll?session={token}&{names}&channel=tick-{token[:8]}"
        answer = asyncio.create_task(attacker.ask(polling, get(target)))
        while not (await asyncio.wait([answer], timeout=0.02))[0]:
            await attacker.ask(publishing, post(f"/channels/tick-{token[:8]}", b"x"))
        answer.result()


# The lease of a session is renewed within its first half, and that is when Redis hears of all its channels.
@behaviour(
    "polls-of-one-session",
    "170 polls of one session, each naming 127 other channels, and then nothing",
    rows="1",
    limits={"RESUME_MILLISECONDS": 8_000},
)
async def polls_of_one_session(attacker):
    await name_channels(attacker, await attacker.token(), 170)
    await attacker.connections[-1].discard_for(15)


@behaviour("session-of-many-channels", "520 such polls, and then a WebSocket with that session", rows="1")
async def session_of_many_channels(attacker):
    token = await attacker.token()
    await name_channels(attacker, token, 520)
    connection = await attacker.upgrade(f"session={token}")
    await connection.discard_for(10)


@behaviour(
    "polls-while-redis-is-away",
    "8,000 polls of two channels while Redis stands still, each with a second request behind it",
    rows="10",
    width=8_000,
    # What is published when Redis is back must not push out what its readers missed.
    limits={"HISTORY_COUNT_MAX": 10_000, "READ_COUNT_MAX": 10_000},
    stops_redis=True,
)
async def polls_while_redis_is_away(attacker):
    connection = await attacker.open()
    name = attacker.unique()
    poll = get(f"/poll?session=none&channel=away-{name}&channel=away")
    await attacker.ask(connection, poll + poll)
    await connection.answer()


@behaviour(
    "polls-answered-and-silent",
    "4,000 connections that say nothing after their poll was answered with nothing",
    rows="28",
    width=4_000,
    limits={"POLL_MILLISECONDS": 1_000},
)
async def polls_answered_and_silent(attacker):
    connection = await attacker.open()
    await attacker.ask(connection, get("/poll?session=none&channel=siege"))
    await connection.receive()


@behaviour("polls-pipelined", "20 connections with a thousand polls one behind the other, unread", rows="2", width=20)
async def polls_pipelined(attacker):
    connection = await attacker.open()
    await connection.send(get("/poll?session=none&channel=siege&cursor=siege%400-1&wait=0") * 1_000)
    await asyncio.sleep(attacker.seconds)
