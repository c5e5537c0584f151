"""The model's prediction beside what a run measured that it was not fitted on."""

from . import model
from .coefficients import node_factors, phases, redis_factors
from .tables import number, rows

WITHIN = 0.2
NODE = ["node_microseconds_per_delivery", "node_microseconds_per_publication_heard", "node_microseconds_per_wake"]
REDIS = [
    "redis_microseconds_per_publication",
    "redis_microseconds_per_publication_heard",
    "redis_microseconds_per_wake",
]


def of(factors, names, given):
    """Percent of a core."""
    return sum(factor * given[name] for factor, name in zip(factors, names)) / 1e4


def load_of(run, kinds_read):
    clients = run["clients"]
    counts = [1, max(1, clients // 1_000), max(1, clients // 10)][:kinds_read]
    channels = tuple(model.Channels(count, clients / count) for count in counts)
    return model.Load(clients, run["carrier"], channels, run["payload_bytes"])


def comparisons(run, given):
    """Name, unit, prediction and measurement of each."""
    steps, nodes, clients = run["steps"], run["nodes"], run["clients"]
    if "publish to all" in steps:
        measured = steps["publish to all"]["nodes_own_microseconds_per_delivery"]
        yield "publish to all: nodes", "µs a delivery", given["node_microseconds_per_delivery_to_all"], measured
    for name, channels, node, redis in phases(run):
        yield f"{name}: all nodes", "% of a core", of(node_factors(channels, nodes), NODE, given), node / 1e4
        yield f"{name}: Redis", "% of a core", of(redis_factors(channels, nodes), REDIS, given), redis / 1e4
    connect = steps.get("connect")
    if connect:
        microseconds = given[f"node_microseconds_per_connect_{run['carrier']}"]
        yield "connect: node CPU", "µs a client", microseconds, connect["nodes_microseconds_per_client"]
    stages = [("connect", 3 if run["carrier"] == "events" else 1)]
    stages += [("subscribe: channels of 1,000", 2), ("subscribe: channels of 10", 3)]
    for step, count in stages:
        if step in steps:
            cost = model.node_bytes(load_of(run, count), nodes, given, machines=1)
            predicted = (cost.total - cost.parts["kernel"]) / clients
            yield f"{step}: node memory", "bytes a client", predicted, steps[step]["bytes_per_client"]["nodes_all_in"]
    if connect:
        kernel = 2 * given["kernel_bytes_per_socket"]
        yield "connect: kernel memory of a pair", "bytes a client", kernel, connect["bytes_per_client"]["kernel"]
    for step, count in [("rest", 1), ("idle", 3)]:
        if step in steps:
            load = load_of(run, 3 if run["carrier"] == "events" else count)
            predicted = model.node_cores(load, nodes, given).total
            yield f"{step}: all nodes", "% of a core", predicted * 100, steps[step]["nodes_cores"] * 100
            predicted = model.redis_cores(load, nodes, given).total
            yield f"{step}: Redis", "% of a core", predicted * 100, steps[step]["redis_cores"] * 100


def table(run, given):
    def row(name, unit, predicted, measured):
        ratio = predicted / measured if measured else None
        is_near = ratio is not None and 1 - WITHIN <= ratio <= 1 + WITHIN
        word = "pass" if is_near else "**fail**"
        return [name, unit, number(predicted, 2), number(measured, 2), number(ratio, 2), word]

    heads = ["prediction", "unit", "predicted", "measured", "ratio", "within 20 %"]
    return rows(heads, [row(*each) for each in comparisons(run, given)])
