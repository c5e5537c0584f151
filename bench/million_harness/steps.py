"""What a run does, step by step; each returns what it measured."""

import time

from . import harm, redis
from .figures import commands_per, latencies, shares

# How many clients may be under way at once, in all crowds together: fewer than a node's backlog of connections.
UNDER_WAY = 1_500
PUBLICATIONS_TO_ALL = 5
# What begins and ends a measurement costs as much as some publications.
PUBLISHING_SECONDS_MIN = 10
EMPTY_SECONDS = 10


def chosen(options):
    """The steps of a run, in order, by name."""
    yield "empty", lambda run: watched(run, EMPTY_SECONDS)
    is_stream = options.carrier == "events"
    if is_stream:
        # What an event stream reads is fixed when it is asked for.
        yield "connect", lambda run: connect(run, 3)
    else:
        yield "connect", lambda run: connect(run, 1)
    yield "rest", rest
    yield "publish to all", publish_to_all
    for kind, name in [(1, "channels of 1,000"), (2, "channels of 10")]:
        if not is_stream:
            yield f"subscribe: {name}", lambda run, kind=kind: subscribe(run, kind)
        yield f"publish: {name}", lambda run, kind=kind: publish_to_each(run, kind)
    if options.idle_minutes:
        yield "idle", idle
    yield "quiet", harm.quiet
    if options.kill:
        yield "kill", harm.kill
    if options.roll:
        yield "roll", harm.roll
    yield "publish to all at the end", publish_to_all


def in_short(measured):
    """The one or two figures of a step that one waits for."""
    wanted = [
        "per_second",
        "last_milliseconds",
        "nodes_microseconds_per_delivery",
        "all_back_seconds",
        "nodes_cores",
        "p99",
    ]
    found = [f"{name.replace('_', ' ')} {measured[name]:,.2f}" for name in wanted if measured.get(name) is not None]
    counts = measured["offences"] | measured["refusals"]
    return ", ".join(found + [f"{count:,} {name}" for name, count in counts.items()])


def under_way(run):
    return max(8, UNDER_WAY // run.board.crowd_count)


def connect(run, kinds):
    before = run.moment()
    run.crowds.order(f"connect {under_way(run)} {kinds}")
    seconds = run.wait_ready("connecting", max(300, run.options.clients / 500))
    return came(run, before, seconds) | {"kinds": kinds}


def subscribe(run, kind):
    before, confirmed = run.moment(), run.board.total("confirmed")
    begin = time.monotonic()
    run.crowds.order(f"subscribe {under_way(run)} {kind}")
    wanted = run.options.clients
    within = max(300, run.options.clients / 500)
    run.crowds.wait(lambda: run.board.total("confirmed") - confirmed >= wanted, within, "subscribing", run.say)
    return came(run, before, time.monotonic() - begin)


def came(run, before, seconds):
    clients = run.options.clients
    used = before.until(run.moment())
    # Memory is looked at when what is freed has been given back.
    time.sleep(5)
    found = run.memory_per_client() | shares(used)
    found["per_second"] = clients / seconds
    for part in ["nodes", "redis", "crowds"]:
        found[f"{part}_microseconds_per_client"] = used[part] / clients * 1e6
    return found


def rest(run):
    """Nothing is asked for: what the next steps have of this is no cost of theirs."""
    return watched(run, run.options.rest_seconds)


def idle(run):
    return watched(run, run.options.idle_minutes * 60) | run.memory_per_client()


def watched(run, seconds):
    # INFO comes before the moment: it takes Redis as long as a publication does.
    commands, before, pings = redis.numbers(run.redis.ports), run.moment(), run.board.total("pings")
    over = time.monotonic() + seconds
    while (rest_seconds := over - time.monotonic()) > 0:
        time.sleep(min(60, rest_seconds))
        if rest_seconds > 60:
            run.say(f"  {rest_seconds - 60:.0f} s to go")
    used = before.until(run.moment())
    found = shares(used) | {"pings_per_second": (run.board.total("pings") - pings) / used["elapsed"]}
    found["redis_commands_per_second"] = commands_per(run, commands, used["elapsed"])
    found["measured_seconds"] = used["elapsed"]
    run.crowds.verify_alive()
    return found


# Publishing


def publish_to_all(run):
    """One publication after the other, each when the one before has come to everybody."""
    milliseconds = []
    commands, distribution = redis.numbers(run.redis.ports), run.board.distribution("delivery")
    before = run.moment()
    for _ in range(PUBLICATIONS_TO_ALL):
        due = time.monotonic_ns()
        publication = run.publisher.publish([(0, 0)], due)
        wanted = run.readers(0, 0)
        run.crowds.wait(lambda: run.board.delivered_count(publication) >= wanted, 180, "a publication to all", run.say)
        milliseconds.append((run.board.last_nanoseconds(publication) - due) / 1e6)
    found = delivered(run, before, commands, PUBLICATIONS_TO_ALL, PUBLICATIONS_TO_ALL * run.options.clients)
    found["last_milliseconds_each"] = [round(value, 1) for value in milliseconds]
    found["last_milliseconds"] = sorted(milliseconds)[len(milliseconds) // 2]
    return found | latencies(run, distribution)


def publish_to_each(run, kind):
    """One publication to each channel of a kind, or several if they are few, at a rate of deliveries that leaves room."""
    count = run.board.channel_counts[kind]
    per_second = run.options.deliveries_per_second / (run.options.clients / count)
    publications = max(count, int(per_second * PUBLISHING_SECONDS_MIN))
    channels = [(kind, number % count) for number in range(publications)]
    wanted = sum(run.readers(kind, number) for _, number in channels)
    commands, distribution = redis.numbers(run.redis.ports), run.board.distribution("delivery")
    start, before = run.board.total("delivered"), run.moment()
    first, dues = run.publisher.spread(channels, per_second)
    run.crowds.wait(lambda: run.board.total("delivered") - start >= wanted, 180, "publications to each", run.say)
    found = delivered(run, before, commands, publications, wanted)
    lasts = sorted((run.board.last_nanoseconds(first + place) - due) / 1e6 for place, due in enumerate(dues))
    found["last_milliseconds"] = lasts[len(lasts) // 2]
    found["last_milliseconds_p99"] = lasts[int(len(lasts) * 0.99)]
    found["last_milliseconds_max"] = lasts[-1]
    found["publications_per_second"] = per_second
    return found | latencies(run, distribution)


def delivered(run, before, commands, publications, deliveries):
    used = before.until(run.moment())
    resting = run.results.get("rest", {})
    found = shares(used) | {"publications": publications, "deliveries": deliveries}
    for part in ["nodes", "crowds", "redis"]:
        own = used[part] - resting.get(f"{part}_cores", 0) * used["elapsed"]
        found[f"{part}_microseconds_per_delivery"] = used[part] / deliveries * 1e6
        found[f"{part}_own_microseconds_per_delivery"] = own / deliveries * 1e6
    found["redis_microseconds_per_publication"] = used["redis"] / publications * 1e6
    found["redis_microseconds_per_publication_and_node"] = found["redis_microseconds_per_publication"] / run.plan.nodes
    found["redis_commands_per_publication"] = commands_per(run, commands, publications)
    found["missing"] = run.verify()
    return found
