"""Shows that the judgement can fail: sieges with one fault each, and what it must call it."""

from collections import Counter
from types import SimpleNamespace

from .reader import Reader, frames
from .tally import Phase, Tally, percentiles
from .verdict import Outcome
from .watch import bounds, quantile

GOOD = {
    "quiet": {"p50": 0.3, "p99": 1.0, "max": 2.0},
    "live": {"p50": 0.4, "p99": 2.9, "max": 30.0},
    "counts": {"published": 2_000, "came": 40},
    "growth_bytes": 60_000_000,
    "connections": 100,
    "longest_milliseconds": 90.0,
    "turns_p999_milliseconds": 10.0,
}

# What happened, the beginning of what must be found (nothing: it must pass), and what differs from a good siege.
SIEGES = [
    ("a good siege", "", {}),
    ("a high p99", "p99 3.1", {"live": {"p50": 0.4, "p99": 3.1, "max": 4.0}}),
    ("nothing that comes", "nothing came", {"live": {}}),
    ("a publish that is refused", "refused 1", {"counts": {"refused": 1}}),
    ("a publish that is late", "late 2", {"counts": {"late": 2}}),
    ("a newcomer that is turned away", "turned away 1", {"counts": {"turned away": 1}}),
    ("the same where there is no room", "", {"counts": {"turned away": 1}, "leaves_room": False}),
    ("a refused publish without Redis", "", {"counts": {"refused": 1}, "was_without_redis": True}),
    ("a death without Redis", "death", {"deaths": ["node a ended"], "was_without_redis": True}),
    ("a lost publication", "lost 1", {"lost": 1}),
    ("one that came twice", "doubled 1", {"doubled": 1}),
    ("a reader that was cut", "cut 1", {"cut": 1}),
    ("a gap", "gaps 1", {"gaps": 1}),
    ("too much memory in all", "70 MB in all", {"growth_bytes": 70_000_000}),
    ("as much for three behaviours", "", {"growth_bytes": 70_000_000, "behaviours": 3}),
    ("too much memory of one", "2.5 MB a connection", {"growth_bytes": 2_500_000, "connections": 1}),
    ("much that is remembered", "", {"growth_bytes": 60_000_000, "connections": 4, "is_remembered": True}),
    ("too much that is remembered", "70 MB in all", {"growth_bytes": 70_000_000, "is_remembered": True}),
    ("much that is logged", "301 log lines", {"log_lines": 301, "seconds": 30}),
    ("long turns", "turns", {"turns_p999_milliseconds": 50.0}),
    ("a long turn, and no histogram", "turns", {"turns_p999_milliseconds": None}),
]


def judged_sieges():
    for name, expected, difference in SIEGES:
        found = list(Outcome(name, **(GOOD | difference)).failures())
        is_right = not found if not expected else len(found) == 1 and found[0].startswith(expected)
        yield name, found, is_right


def server_frame(payload):
    return bytes([0x81, len(payload)]) + payload if len(payload) < 126 else bytes(
        [0x81, 126, *len(payload).to_bytes(2, "big")]
    ) + payload


def judged_reader():
    """What a reader makes of what arrives, in two pieces that end anywhere."""
    texts = [b'{"type":"subscribed"}', *(b'{"data":"%d 0 siege"}' % number for number in (0, 1, 1, 3)), b"x" * 300]
    stream = b"".join(map(server_frame, texts))
    for cut in (1, 30, len(stream) - 1):
        reader = Reader.__new__(Reader)
        tally = Tally()
        tally.begin("siege")
        reader.live = SimpleNamespace(tally=tally)
        reader.input, reader.is_open, reader.is_subscribed = bytearray(), True, False
        reader.socket = object()
        reader.seen, reader.doubled, reader.gaps = bytearray(), 0, 0
        for piece in (stream[:cut], stream[cut:]):
            reader.input += piece
            reader.take()
        found = [reader.is_subscribed, reader.doubled, reader.lost([0, 1, 2, 3, 4]), len(reader.input)]
        yield f"a reader whose bytes are cut at {cut}", found, found == [True, 1, 2, 0]


def judged_numbers():
    before = bounds({f'perseid_turn_microseconds_bucket{{le="{le}"}}': 5 for le in ("100", "20000", "+Inf")})
    after = bounds(
        {'perseid_turn_microseconds_bucket{le="100"}': 995, 'perseid_turn_microseconds_bucket{le="20000"}': 1_003}
        | {'perseid_turn_microseconds_bucket{le="+Inf"}': 1_005, "perseid_turn_microseconds_count": 1_005}
    )
    found = [quantile(before, after, share) for share in (0.5, 0.998, 0.9999)] + [quantile(after, after, 0.5)]
    yield "a histogram of turns", found, found == [0.1, 20.0, float("inf"), None]
    found = percentiles(Counter({9: 98, 99: 1, 999: 1}))
    yield "percentiles", found, found == {"p50": 0.1, "p99": 1.0, "max": 10.0}
    yield "percentiles of nothing", percentiles(Phase().latencies), percentiles(Phase().latencies) == {}
    rest = bytearray(server_frame(b"abc") + b"\x81")
    found = list(frames(rest))
    yield "a frame and a half", found, found == [(0x81, b"abc")] and rest == b"\x81"


def run():
    """Prints each case; says whether the judgement is right about all."""
    outcomes = [*judged_sieges(), *judged_reader(), *judged_numbers()]
    for name, found, is_right in outcomes:
        print(f"{'ok  ' if is_right else 'FAIL'}  {name}: {', '.join(map(str, found)) or 'nothing found'}")
    return all(is_right for _, _, is_right in outcomes)
