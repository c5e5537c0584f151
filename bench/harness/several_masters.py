"""The road of a publication over one Redis, and over three masters that share its channels."""

from . import generator, measures

CHANNELS = 30
# Each publication stands alone, so that it has the whole way to itself; and enough of them that they come together.
LOW_RATE, HIGH_RATE = 200, 2_000


def measure(programs, server, seconds):
    """Latency at the low rate, and what a publication costs the node at both."""
    options = ["--channels", str(CHANNELS), "--connections", str(CHANNELS), "--publishers", "10", "--settle", "2"]
    options += ["--seconds", seconds]
    low, high = (
        generator.run(programs, server, options + ["--rate", str(rate)], is_urgent=True) for rate in (LOW_RATE, HIGH_RATE)
    )
    more = {"low_cpu": per_publication(low), "high_cpu": per_publication(high), "high_p50": measures.of(high)["p50"]}
    return {"main": low, "more": more | {"wrong": measures.wrong(low) + measures.wrong(high)}}


def per_publication(result):
    """Microseconds of the server's CPU."""
    return result["window"]["serverSeconds"] * 1e6 / result["window"]["publications"]
