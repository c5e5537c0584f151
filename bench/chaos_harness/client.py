"""A subscriber that comes back after every loss from where it was, whatever happens to it."""

import asyncio
import random
import time
from urllib.parse import quote, unquote

from .bayeux import Bayeux, position
from .channel_kind import RATES, told
from .event_stream import EventStream
from .frame import Frame
from .journal import condensed
from .json_stream import JSONStream
from .jsonp import JSONP
from .multipart import Multipart
from .pattern import Pattern
from .poll import Poll
from .web_socket import WebSocket

TRANSPORTS = [WebSocket, EventStream, Poll, JSONStream, Multipart, Frame, JSONP, Bayeux, Pattern]
PAUSE_SECONDS = (0.05, 0.5)
# What is well-meant of a server or of a balancer without one: come again.
STATUSES_TO_RETRY = {408, 429, 502, 503, 504}
# Of polls: another request of the session took its place.
STATUS_TAKEN_OVER = 409
NARROW_SHARE = 0.3
# Of comings of clients that may: as somebody new, who is told a snapshot of keyed channels.
ANEW_SHARE = 0.1
# Of the WebSockets with a token.
FORGETFUL_SHARE = 0.2
AFFINITY_COOKIE = "perseid_node="
TAKEN_OVER, TOKEN_REFUSED = 4001, 4003


def parse_cursor(text):
    pairs = (entry.rpartition("@") for entry in text.split(",") if entry)
    return {unquote(channel): position for channel, _, position in pairs}


def format_cursor(positions):
    return ",".join(f"{quote(channel, safe='')}@{positions[channel]}" for channel in sorted(positions))


class Client:
    def __init__(self, number, port, channels, seed, journal, is_mixed=False):
        self.random = random.Random(f"{seed}/client/{number}")
        self.number = number
        self.port = port
        self.journal = journal
        self.transport_class = TRANSPORTS[number % len(TRANSPORTS)]
        self.channels = sorted(self.random.sample(channels, self.random.randint(1, min(4, len(channels)))))
        if self.transport_class is Pattern:
            self.pattern = f"{self.random.choice(channels).partition('/')[0]}/*"
            self.channels = sorted(channel for channel in channels if channel.startswith(self.pattern[:-1]))
        self.max_rate = self.draw_rate() if is_mixed else None
        self.may_come_anew = is_mixed and self.transport_class not in (Bayeux, Pattern)
        self.quoted = {channel: quote(channel, safe="") for channel in self.channels}
        self.commanded_channels = self.draw_commanded_channels()
        self.is_narrow = self.random.random() < NARROW_SHARE
        self.resumes_sessions = self.random.random() < 0.5 and self.transport_class is not Bayeux
        self.heeds_retry = self.random.random() < 0.5
        # As a browser does. The others come back to any node.
        self.keeps_cookie = self.resumes_sessions and self.random.random() < 0.5
        # Whether it comes back with nothing but its token: what it has, only its node knows.
        is_forgetful = self.random.random() < FORGETFUL_SHARE
        self.is_forgetful = is_forgetful and self.resumes_sessions and self.transport_class is WebSocket
        self.shows_only_token = False
        # Which nodes make use of if their rules say so.
        kind = number // len(TRANSPORTS) % 3
        self.takes_compressed = kind > 0
        self.content_coding = "gzip" if kind == 1 else "deflate"
        self.session = None
        # When it was told of that session.
        self.session_milliseconds = 0
        self.cookie = None
        # Attempts with the token that were given up unanswered: a node may carry out each yet and so take over.
        self.stray_resume_count = 0
        self.retry_seconds = None
        self.pause_seconds = None
        self.transport = None
        # Where it is in each channel, and how it says so.
        self.positions = {}
        if self.transport_class is Pattern:
            # It comes for all that there ever was.
            self.positions = dict.fromkeys(self.channels, "0-0")
        self.told_cursor = ""
        # Of Bayeux: messages sent, and the last connect reply that it has.
        self.last_id = 0
        self.acknowledged = 0
        journal.note(number, "client", detail=f"{self.transport_class.path} {' '.join(self.channels)}")
        if self.max_rate:
            self.note("paced", detail=self.max_rate)

    def draw_commanded_channels(self):
        """Those that a WebSocket asks for with commands: of half of them some or all."""
        if self.transport_class is not WebSocket or self.random.random() < 0.5:
            return set()
        return set(self.random.sample(self.channels, self.random.randint(1, len(self.channels))))

    def draw_rate(self):
        """How often it wants to be told at most, of a third of those that can say so in the address."""
        if self.transport_class in (Bayeux, Pattern) or self.number // len(TRANSPORTS) % 3 != 1:
            return None
        return self.random.choice(RATES)

    @property
    def cursor(self):
        """On a WebSocket the client keeps it; elsewhere it is told."""
        return format_cursor(self.positions) if issubclass(self.transport_class, WebSocket) else self.told_cursor

    @property
    def has_begun(self):
        return len(self.positions) == len(self.channels)

    def note(self, kind, channel="", position="", detail=""):
        self.journal.note(self.number, kind, channel, position, detail)

    def offend(self, text):
        self.note("offence", detail=text.replace("\n", " ").replace("\t", " "))

    # Coming and going

    async def run(self):
        while True:
            reason = await self.connect()
            self.note("end", detail=reason)
            await asyncio.sleep(self.draw_pause())

    async def connect(self):
        """One connection from its beginning to its end; says why it ended."""
        if self.may_come_anew and self.has_begun and self.random.random() < ANEW_SHARE:
            self.forget_all()
        token = self.session
        # Until it was subscribed to everything its session does not know all of it.
        self.shows_only_token = self.is_forgetful and self.has_begun and token is not None
        shown = "only token" if self.shows_only_token else "token" if token else ""
        self.note("resume", position=shown, detail="" if self.shows_only_token else self.cursor)
        try:
            transport = await self.transport_class.open(self)
            reason = await transport.ended
            self.stray_resume_count += bool(token) and not transport.is_open
            return reason
        except OSError:
            return "refused"
        finally:
            self.transport = None

    def forget_all(self):
        """Comes as somebody new."""
        self.note("anew")
        self.positions = {}
        self.told_cursor = ""
        self.session = None

    def draw_pause(self):
        told, self.pause_seconds = self.pause_seconds, None
        if told is None and self.heeds_retry:
            told = self.retry_seconds
        return self.random.uniform(*PAUSE_SECONDS) if told is None else told

    def remember_session(self, token):
        if self.resumes_sessions and self.session != token:
            self.session = token
            self.session_milliseconds = time.time_ns() // 1_000_000

    def remember_cookie(self, text):
        if self.keeps_cookie and text.startswith(AFFINITY_COOKIE):
            self.cookie = text.split(";")[0]

    # What it is told

    def refused(self, status):
        # Another connect of the client, which it thinks lost, took the place of this one.
        if status == 500 and self.transport_class is Bayeux:
            return
        if status == 401:
            self.token_refused()
        elif status == STATUS_TAKEN_OVER:
            self.taken_over()
        elif status not in STATUSES_TO_RETRY:
            self.offend(f"refused with {status}")

    def closed(self, code):
        if code == TOKEN_REFUSED:
            self.token_refused()
        elif code == TAKEN_OVER:
            self.taken_over()
        elif code in (1002, 1003, 1007, 1009, 1010):
            self.offend(f"closed with {code}")

    def token_refused(self):
        """Nobody is away for as long as a session waits, so Redis must have lost it, if it does such a thing."""
        self.note("refused", detail=self.session_milliseconds)
        self.session = None

    def taken_over(self):
        if not self.stray_resume_count:
            return self.offend("taken over, though it came back nowhere else")
        self.stray_resume_count -= 1

    def take(self, message, cursor=None):
        """Works off one message and stands where it says, in one step."""
        kind = message["type"]
        if kind == "message":
            self.stand(message["channel"], message["position"], cursor)
            self.note_publication(message, message["channel"], message["position"])
        elif kind == "subscribed":
            self.stand(message["channel"], message["position"], cursor)
            recovered = str(message.get("recovered", "")).lower()
            self.note("subscribed", message["channel"], message["position"], recovered)
        elif kind == "gap":
            self.stand(message["channel"], message["to"], cursor)
            self.note("gap", message["channel"], message["to"], message["from"])
        elif kind == "welcome":
            self.take_welcome(message)
        elif kind == "bye":
            self.take_bye(message)
        else:
            self.offend(f"unexpected: {message}")

    def note_publication(self, message, channel, position):
        payload = "" if message.get("removed") else condensed(message["data"])
        what = "snapshot" if message.get("snapshot") else "message"
        self.note(what, channel, position, told(message.get("key", ""), payload))

    def stand(self, channel, position, cursor):
        self.positions[channel] = position
        if cursor is None:
            return
        self.told_cursor = cursor
        if f"{self.quoted[channel]}@{position}" not in cursor:
            self.offend(f"{channel} is at {position}, the cursor says {cursor}")

    def take_welcome(self, message):
        self.transport.is_open = True
        if "session" in message:
            self.remember_session(message["session"])
        self.note("welcome", detail=message["node"])

    def take_bye(self, message):
        if not message["reconnect"] and message["code"] not in (TAKEN_OVER, TOKEN_REFUSED):
            self.offend(f"sent away for good: {message}")
        self.pause_seconds = message["after"] / 1_000
        self.transport.take_bye(message["code"])

    def take_answer(self, answer):
        """A poll's answer: all of it in one step."""
        self.transport.is_open = True
        recovered, gaps = answer.get("recovered"), answer.get("gaps", [])
        if (recovered is False) != bool(gaps):
            self.offend(f"recovered is {recovered}, the gaps are {gaps}")
        self.note("answer", detail="" if recovered is None else str(recovered).lower())
        for gap in gaps:
            self.note("lacks", gap["channel"], gap["to"], gap["from"])
        for message in answer["publications"]:
            self.note_publication(message, message["channel"], message["position"])
        self.told_cursor = answer["cursor"]
        self.positions = parse_cursor(answer["cursor"])
        for channel, position in self.positions.items():
            self.note("stands", channel, position)

    # Bayeux

    def next_id(self):
        self.last_id += 1
        return self.last_id

    def take_bayeux(self, sent, messages):
        """An answer, which counts whole or not at all."""
        self.transport.is_open = True
        reply = next((message for message in messages if "successful" in message), None)
        if reply is None or reply["channel"] != sent["channel"]:
            return self.offend(f"{sent} was answered with {messages}")
        if not reply["successful"] or reply.get("advice", {}).get("reconnect", "retry") != "retry":
            return self.offend(f"{sent} was refused: {reply}")
        if sent["channel"] == "/meta/handshake":
            self.session = reply["clientId"]
        elif sent["channel"] == "/meta/subscribe":
            for channel in self.channels:
                self.note("subscribed", channel, "0-0")
                self.positions[channel] = "0-0"
        else:
            self.take_deliveries(messages, reply)

    def take_deliveries(self, messages, reply):
        for gap in reply.get("ext", {}).get("gaps", []):
            self.note("gap", gap["channel"][1:], gap["to"], gap["from"])
        for message in messages:
            if "successful" in message:
                continue
            channel, place = message["channel"][1:], position(message["ext"]["replayId"])
            self.note_publication(message["ext"] | {"data": message["data"]}, channel, place)
            self.positions[channel] = place
        self.acknowledged = reply["ext"]["ack"]

    # Faults

    def reset(self):
        if self.transport:
            self.transport.reset("reset by the client")

    async def read_nothing(self, seconds):
        transport = self.transport
        if transport is None:
            return
        self.note("slow", detail=f"reads nothing for {seconds:.1f} s")
        transport.pause()
        await asyncio.sleep(seconds)
        transport.go_on()
