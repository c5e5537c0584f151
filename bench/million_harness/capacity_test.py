"""The model's arithmetic, on coefficients that are easy to reckon with."""

import dataclasses
import math
import random

from . import coefficients, fitting, model, tree

ONES = {
    "node_microseconds_per_delivery": 10.0,
    "node_microseconds_per_publication_heard": 20.0,
    "node_microseconds_per_wake": 0.0,
    "redis_microseconds_per_wake": 0.0,
    "node_microseconds_per_connect_websocket": 100.0,
    "node_microseconds_per_connect_sessions": 200.0,
    "node_microseconds_per_heartbeat": 10.0,
    "node_microseconds_per_renewal": 5.0,
    "node_cores_idle": 0.001,
    "node_bytes_base": 5_000_000.0,
    "nodes_bytes_shared": 3_000_000.0,
    "node_bytes_per_client_websocket": 100.0,
    "node_bytes_per_client_sessions": 500.0,
    "node_bytes_per_subscription": 50.0,
    "node_bytes_per_channel": 600.0,
    "kernel_bytes_per_socket": 4_000.0,
    "redis_microseconds_per_publication": 20.0,
    "redis_microseconds_per_publication_heard": 2.0,
    "redis_microseconds_per_renewal": 10.0,
    "redis_microseconds_per_session_opened": 30.0,
    "redis_microseconds_per_channel_heard": 10.0,
    "redis_cores_idle_per_node": 0.0001,
    "redis_bytes_per_session": 600.0,
    "redis_bytes_per_channel": 500.0,
    "renewals_per_channel_and_second": 0.1,
    "renewals_per_session_and_second": 0.03,
    "checkpoints_per_second_max": 0.2,
    "node_microseconds_per_delivery_tls": 2.0,
    "node_microseconds_per_connect_tls": 300.0,
    "node_bytes_per_client_tls": 10_000.0,
}


def is_near(one, other):
    return math.isclose(one, other, rel_tol=1e-6)


def judged():
    yield from judged_load()
    yield from judged_costs()
    yield from judged_cluster()
    yield from judged_fit()
    yield from judged_tree()


def judged_load():
    one = model.Channels(1, 1_000, 2.0)
    yield "all nodes hear a channel that all read", one.hearing(10), abs(one.hearing(10) - 10) < 1e-6
    lone = model.Channels(100, 1, 1.0)
    yield "one node hears a channel of one reader", lone.hearing(10), is_near(lone.hearing(10), 1)
    pair = model.Channels(100, 2, 1.0)
    yield "two readers are at one node in one of ten cases", pair.hearing(10), is_near(pair.hearing(10), 1.9)
    load = model.Load(1_000, "websocket", (one, model.Channels(500, 2, 0.0)))
    yield "deliveries", load.deliveries_per_second, is_near(load.deliveries_per_second, 2_000)
    yield "further subscriptions", load.subscriptions, is_near(load.subscriptions, 1_000)
    yield "who is sent something gets no heartbeat", load.heartbeats_per_second, load.heartbeats_per_second < 1e-9
    idle = model.Load(1_000, "websocket", ())
    yield "who is sent nothing gets them all", idle.heartbeats_per_second, is_near(idle.heartbeats_per_second, 40)


def judged_costs():
    load = model.Load(10_000, "websocket", (model.Channels(1, 10_000, 1.0),), reconnects_per_client_and_day=86.4)
    cost = model.node_cores(load, 4, ONES)
    yield "node cores of deliveries", cost.parts, is_near(cost.parts["deliveries"], 0.1)
    yield "node cores of what is heard", cost.parts, is_near(cost.parts["publications heard"], 4 * 20e-6)
    yield "node cores of connects", cost.parts, is_near(cost.parts["connects"], 10 * 100e-6)
    yield "node cores of idle nodes", cost.parts, is_near(cost.parts["idle"], 0.004)
    cost = model.redis_cores(load, 4, ONES)
    yield "Redis cores", cost.parts, is_near(cost.total, 20e-6 + 4 * 2e-6 + 4 * 0.1 * 10e-6 + 0.0004)
    memory = model.node_bytes(load, 4, ONES)
    yield "node memory", memory.parts, is_near(memory.total, 32e6 + 1e6 + 4 * 600 + 40e6)
    memory = model.node_bytes(load, 4, ONES, machines=1)
    yield "what nodes of a machine share", memory.parts, is_near(memory.parts["nodes without clients"], 23e6)
    sessions = model.Load(10_000, "sessions", (model.Channels(1, 10_000, 1.0),))
    cost = model.redis_cores(sessions, 4, ONES)
    yield "checkpoints of sessions", cost.parts, is_near(cost.parts["checkpoints"], 10_000 * 0.2 * 10e-6)
    more, fewer = (model.Load(1_000, "websocket", load.channels, compression=times) for times in (1, 4))
    bits = model.wire_bits_per_second(more), model.wire_bits_per_second(fewer)
    yield "compressed is less on the wire", bits, bits[1] < bits[0]
    yield from judged_tls(load)


def judged_tls(load):
    secured = dataclasses.replace(load, has_tls=True)
    more = model.node_cores(secured, 4, ONES).total - model.node_cores(load, 4, ONES).total
    yield "records and handshakes", more, is_near(more, 10_000 * 2e-6 + 10 * 300e-6)
    more = model.node_bytes(secured, 4, ONES).total - model.node_bytes(load, 4, ONES).total
    yield "memory of TLS", more, is_near(more, 10_000 * 10_000)
    more = model.wire_bits_per_second(secured) - model.wire_bits_per_second(load)
    yield "a record around each message", more, is_near(more, 8 * 22 * 10_000)
    storms = [model.storm_seconds(each, 10, 1, model.Machine(cores=4), ONES) for each in (load, secured)]
    yield "handshakes make a storm longer", storms, storms[1] > storms[0]


def judged_cluster():
    load = model.Load(1_000_000, "websocket", (model.Channels(1, 1_000_000, 0.0),))
    nodes, most = model.nodes_needed(load, model.Machine(clients=100_000), ONES, zones=3)
    yield "ten nodes, and half as many for a zone", (nodes, most), (nodes, most) == (15, "clients of a node")
    busy = model.Load(1_000_000, "websocket", (model.Channels(1, 1_000_000, 10.0),))
    _, most = model.nodes_needed(busy, model.Machine(), ONES)
    yield "deliveries ask for cores", most, most == "cores"
    whole = model.storm_seconds(load, 10, 1, model.Machine(cores=4), ONES)
    yield "a storm is work by spare cores", whole, 1.2 < whole < 1.4
    yield "a storm without nodes does not end", None, math.isinf(model.storm_seconds(load, 1, 1, model.Machine(), ONES))
    yield "a master's loss", None, model.master_loss_seconds(load, 10, 3, ONES) > 16


def judged_fit():
    found = coefficients.least_squares([([x, y], 3 * x + 7 * y) for x, y in [(1, 2), (10, 1), (100, 50)]])
    yield "two unknowns", found, is_near(found[0], 3) and is_near(found[1], 7)
    found = coefficients.least_squares([([x, y], 3 * x - y) for x, y in [(1, 1), (2, 1), (3, 2)]])
    yield "no cost is negative", found, found[0] > 0 and found[1] == 0
    try:
        coefficients.least_squares([([1, 2], 3), ([2, 4], 6)])
        yield "what cannot be told apart", None, False
    except ValueError:
        yield "what cannot be told apart", None, True
    wakes = model.wakes(10.0, 10), model.wakes(1e9, 10)
    yield "wake-ups", wakes, 9.9 < wakes[0] < 10 and is_near(wakes[1], 2_000)
    yield from judged_runs()
    one = coefficients.Coefficient.of([-1.0, 2.0, 5.0], "")
    yield "a spread", one, (one.value, one.low, one.high) == (2.0, 0.0, 5.0)
    runs = [{"nodes": nodes, "steps": {"connect": {"base_bytes_per_node": 5 + 30 / nodes}}} for nodes in (4, 12)]
    found = fitting.of_base(runs)
    yield "what is shared", found, is_near(found[0], 5) and is_near(found[1], 30)
    run = {"steps": {"rest": {"nodes_cores": 0.03, "pings_per_second": 100.0}, "empty": {"nodes_cores": 0.01}}}
    beat = fitting.heartbeat_microseconds(run)
    yield "a heartbeat's cost", beat, is_near(beat, 200)


def judged_runs():
    """Runs made up from coefficients must give these again."""
    runs = [made_up(nodes) for nodes in (4, 12)]
    found = coefficients.of_deliveries(runs)
    yield "a delivery, one heard, a wake-up", found, all(map(is_near, found, [7, 20, 5]))
    found = coefficients.of_publications(runs)
    yield "a publication, one heard, a write", found, all(map(is_near, found, [15, 4, 6]))


def made_up(nodes):
    rates = {"publish: channels of 1,000": 20.0, "publish: channels of 10": 2_000.0}
    steps = {
        name: {"publications_per_second": rate, "nodes_cores": 0, "redis_cores": 0} for name, rate in rates.items()
    }
    steps |= {name: {"nodes_cores": 0, "redis_cores": 0} for name in ["quiet", "rest", "idle"]}
    run = {"clients": 40_000, "nodes": nodes, "steps": steps}
    for name, channels, _, _ in list(coefficients.phases(run)):
        node = zip(coefficients.node_factors(channels, nodes), [7, 20, 5])
        redis = zip(coefficients.redis_factors(channels, nodes), [15, 4, 6])
        steps[name]["nodes_cores"] = sum(one * other for one, other in node) / 1e6
        steps[name]["redis_cores"] = sum(one * other for one, other in redis) / 1e6
    return run


def judged_tree():
    way = tree.Way([[0.9, 1.0]])
    straight = tree.last_node_milliseconds(random.Random(1), way, 100, 0, 0.002)
    yield "the last of a hundred waits for them all", straight, is_near(straight, 100 * 0.002 + 1)
    tiered = tree.last_node_milliseconds(random.Random(1), way, 100, 1, 0.002)
    yield "two times ten, and two ways", tiered, is_near(tiered, 2 * (10 * 0.002 + 1))
    uneven = tree.Way([[1.0, 0.5], [3.0, 1.0]])
    found = [tree.simulate(uneven, 50, 1, 0.001) for _ in range(2)]
    yield "a seed tells the same again", found, found[0] == found[1] and 2 < found[0][0] < 7
