"""Shows that the checks can fail: a crowd at nodes that do one thing wrong each, and runs that must not pass."""

import sys
import tempfile
from pathlib import Path

from . import capacity_test, fit, report, verdict
from .board import BUCKETS, OFFENCES, Board, Distribution, bucket_begin
from .crowds import Crowds
from .fake_node import FakeNode, publication, subscribed
from .programs import crowd

CLIENTS = 5
WITHIN_SECONDS = 60

# What the node sends to each client, and what each must count.
NODES = [
    ("nothing wrong", [publication(1), publication(2), publication(3)], {"delivered": 3}),
    ("one is lost", [publication(1), publication(3)], {"delivered": 2, "lost": 1}),
    (
        "one comes twice",
        [publication(1), publication(2), publication(2), publication(3)],
        {"delivered": 4, "doubled": 1},
    ),
    (
        "two change places",
        [publication(2), publication(1), publication(3)],
        {"delivered": 3, "lost": 1, "reordered": 1},
    ),
    ("the last does not come", [publication(1), publication(2)], {"delivered": 2, "missing": 1}),
    (
        "one of another channel",
        [publication(1), publication(2), publication(3), publication(1, "ten/0")],
        {"delivered": 3, "foreign": 1},
    ),
    (
        "a gap is told",
        [publication(1), '{"type":"gap","channel":"all"}', publication(2), publication(3)],
        {"delivered": 3, "gaps": 1},
    ),
    (
        "an error is told",
        [publication(1), publication(2), publication(3), '{"type":"error"}'],
        {"delivered": 3, "errors": 1},
    ),
    ("no message", [publication(1), publication(2), publication(3), "?"], {"delivered": 3, "malformed": 1}),
]
PUBLISHED = 3


def judged_nodes(program):
    for name, messages, expected in NODES:
        with tempfile.TemporaryDirectory() as directory:
            found = counted(program, messages, expected, Path(directory))
        wanted = dict.fromkeys(OFFENCES, 0) | {key: count * CLIENTS for key, count in expected.items()}
        yield name, found, {key: found[key] for key in wanted} == wanted


def counted(program, messages, expected, directory):
    node = FakeNode([subscribed()] + messages)
    board = Board(directory / "board", [node.port], 1, 1, 1, 8)
    crowds = Crowds(program, board, CLIENTS, "websocket", directory)
    try:
        crowds.start()
        # Subscribed before anything is published: the board says what there will be only then.
        crowds.order("connect 8 1")
        # What never came is found by the check alone.
        wanted = {key: count * CLIENTS for key, count in expected.items() if key != "missing"}
        crowds.wait(lambda: all(board.total(key) >= wanted[key] for key in wanted), WITHIN_SECONDS, "what is sent")
        board.published[0] = PUBLISHED
        crowds.check()
        return board.counters()
    finally:
        crowds.stop()
        node.close()
        board.close()


GOOD_STEP = {"seconds": 1.0, "offences": {}}
KINDS = ["publish to all", "publish: channels of 1,000", "publish: channels of 10"]
GOOD = {
    "clients": 1_000_000,
    "carrier": "websocket",
    "failure": None,
    "steps": {
        "connect": GOOD_STEP | {"per_second": 5_000, "bytes_per_client": {"nodes_all_in": 290, "nodes": 100}},
        "idle": GOOD_STEP | {"nodes_cores": 0.1, "redis_cores": 0.01},
        "kill": GOOD_STEP | {"clients": 10, "all_back_seconds": 2.0, "times_quiet_p99": 1.5},
    }
    | {
        kind: GOOD_STEP | {"nodes_own_microseconds_per_delivery": 5.0, "last_milliseconds_each": [9_000]}
        for kind in KINDS
    },
}

# What differs from a good run, and how many bars it must miss.
RUNS = [
    ("a good run", {}, 0),
    ("connects too slowly", {"connect": {"per_second": 1_000}}, 1),
    ("too much memory", {"connect": {"bytes_per_client": {"nodes_all_in": 301, "nodes": 100}}}, 1),
    ("too late", {"publish to all": {"last_milliseconds_each": [1, 12_001]}}, 1),
    ("idle nodes that work", {"idle": {"nodes_cores": 0.16}}, 1),
    ("an idle Redis that works", {"idle": {"redis_cores": 0.06}}, 1),
    ("long away", {"kill": {"all_back_seconds": 11.0}}, 1),
    ("others that wait", {"kill": {"times_quiet_p99": 3.5}}, 1),
    ("dear small channels", {"publish: channels of 10": {"nodes_own_microseconds_per_delivery": 6.5}}, 1),
    ("one that is lost", {"kill": {"offences": {"lost": 1}}}, 1),
]


def judged_runs():
    for name, difference, missed in RUNS:
        steps = {step: values | difference.get(step, {}) for step, values in GOOD["steps"].items()}
        run = GOOD | {"steps": steps}
        found = [bar for bar in verdict.bars(run) if bar.is_reached is False]
        is_clean = not any("offences" in values for values in difference.values())
        yield name, found, len(found) == missed and report.is_clean(run) == is_clean
    yield "a run that ended early", None, not report.is_clean(GOOD | {"failure": "RuntimeError"})
    small = list(verdict.bars(GOOD | {"clients": 20_000}))
    yield "a small run", small, not any(bar.is_reached for bar in small if "million" in bar.bar)


def judged_board():
    begins = [bucket_begin(bucket) for bucket in range(BUCKETS)]
    yield "buckets follow each other", begins, all(one < two for one, two in zip(begins, begins[1:]))
    counts = [0] * BUCKETS
    counts[0], counts[8] = 99, 1
    found = Distribution(counts).summary()
    yield "shares of a distribution", found, found["p99"] == 0.001 and found["max"] == 0.009 and found["count"] == 100


def judged_room():
    plan = fit.plan(10**9, "websocket")
    yield "a thousand million clients have no room", plan.lines, not plan.fits and plan.lines[0].startswith(
        "too little"
    )
    yield "a thousand have", None, fit.plan(1_000, "websocket").fits


def run():
    """Whether all was found."""
    is_right = True
    parts = [judged_board(), judged_runs(), judged_room(), capacity_test.judged(), judged_nodes(crowd())]
    for name, found, is_found in (judgement for part in parts for judgement in part):
        if not is_found:
            print(f"{name}: {found}", file=sys.stderr)
            is_right = False
    print("the checks find what they must" if is_right else "the checks do not find what they must")
    return is_right
