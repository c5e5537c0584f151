"""What happened to clients, a line for each event: milliseconds, client, kind, channel, position, detail.

Workers write journals, the checker reads them afterwards, so a run may be longer than fits into memory.

kind         channel  position  detail
client       -        -         transport and channels, once, first
anew         -        -         it forgets all that it had
paced        -        -         how many batches a second it asks for
resume       -        token     the cursor it comes with, or nothing; `token` if it shows its session's, `only token` if
                                it keeps no cursor
welcome      -        -         the node
subscribed   channel  where     true, false or nothing: `recovered`
message      channel  where     the payload, behind the key and = where it has one; nothing behind that where it is gone
snapshot     channel  where     the same of a snapshot
gap          channel  to        from
answer       -        -         a poll's answer begins; true, false or nothing: `recovered`
lacks        channel  to        from: one of that answer's `gaps`, ahead of its messages
stands       channel  where     the cursor of that answer, which ends it
refused      -        -         its token is, which it was told at that time in milliseconds
slow         -        -         for how long it reads nothing
end          -        -         why the connection ended
offence      -        -         what the client saw that must not be
"""

import time
from typing import NamedTuple

# Longer payloads are padded; what a payload is and how long it was is kept.
PAYLOAD_CHARACTERS_MAX = 40


class Event(NamedTuple):
    milliseconds: int
    client: int
    kind: str
    channel: str = ""
    position: str = ""
    detail: str = ""


def condensed(payload):
    if len(payload) <= PAYLOAD_CHARACTERS_MAX:
        return payload
    return f"{payload.split(' ', 1)[0]}+{len(payload)}"


def condensed_bytes(payload):
    """How long it was."""
    label, _, count = payload.partition("+")
    return int(count) if count else len(label)


class Journal:
    """Writes one worker's file."""

    def __init__(self, path):
        self.file = open(path, "w", buffering=1 << 20)

    def note(self, client, kind, channel="", position="", detail=""):
        self.file.write(f"{time.time_ns() // 1_000_000}\t{client}\t{kind}\t{channel}\t{position}\t{detail}\n")

    def close(self):
        self.file.close()


def read_journal(path):
    with open(path) as file:
        for line in file:
            milliseconds, client, *rest = line.rstrip("\n").split("\t")
            yield Event(int(milliseconds), int(client), *rest)
