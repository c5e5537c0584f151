"""What a run is told."""

import argparse

from . import redis

CARRIERS = ["websocket", "sessions", "events"]


def parse(description, words=None):
    """`words`: the command line, if it is not this process's."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_sizes(parser)
    add_steps(parser)
    parser.add_argument(
        "--name", help="of the results (default: from carrier, Redis and clients); try… is left out of reports"
    )
    parser.add_argument("--anyway", action="store_true", help="begin although there seems to be too little room")
    parser.add_argument("--check", action="store_true", help="says how many clients fit, and nothing else")
    parser.add_argument("--report", action="store_true", help="writes MILLION.md from what there is, and nothing else")
    parser.add_argument("--self-test", action="store_true", help="tests the checks, and nothing else")
    options = parser.parse_args(words)
    if options.clients < 1_000:
        parser.error("--clients: a thousand at least, for there is a channel of a thousand")
    if options.payload_bytes < 32:
        parser.error("--payload-bytes: 32 at least")
    return options


def add_sizes(parser):
    parser.add_argument("--clients", type=int, default=1_000_000)
    parser.add_argument("--carrier", choices=CARRIERS, default="websocket")
    parser.add_argument("--redis", choices=redis.KINDS, default="one")
    parser.add_argument("--nodes", type=int, help="default: as few as descriptors allow, and four at least")
    parser.add_argument("--payload-bytes", type=int, default=64)
    parser.add_argument(
        "--limit", action="append", default=[], type=limit, metavar="NAME=NUMBER", help="of the nodes; repeatable"
    )


def add_steps(parser):
    parser.add_argument(
        "--deliveries-per-second", type=int, default=40_000, help="to the smaller channels (default 40,000)"
    )
    parser.add_argument("--rest-seconds", type=float, default=30, help="idle with one channel each (default 30)")
    parser.add_argument("--idle-minutes", type=float, default=10, help="idle with all channels; 0: not (default 10)")
    parser.add_argument("--no-kill", dest="kill", action="store_false", help="kill no node")
    parser.add_argument("--no-roll", dest="roll", action="store_false", help="do not roll the nodes")
    parser.add_argument("--roll-nodes", type=int, metavar="N", help="how many of them (default: all)")
    parser.add_argument("--drain-seconds", type=float, default=4, help="in which a rolled node lets go (default 4)")


def limit(text):
    name, number = text.split("=")
    return name, int(number)
