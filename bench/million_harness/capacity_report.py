"""What the model says of a load, as lines."""

from . import model
from .tables import number, rows

GIB = 1 << 30


def spreads(measured):
    """Each coefficient with its spread."""
    lines = [f"- {name}: {value}" for name, value in measured.facts.items()] + [""]
    cells = [
        [name, significant(one.value), f"{significant(one.low)}–{significant(one.high)}", one.samples, one.how]
        for name, one in sorted(measured.coefficients.items())
    ]
    return lines + rows(["coefficient", "median", "range", "of", "measured by"], cells)


def significant(value):
    return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"


def load(options):
    kinds = options.channels or [model.Channels(1, options.clients, 0.1)]
    return model.Load(
        options.clients,
        options.carrier,
        tuple(kinds),
        payload_bytes=options.payload_bytes,
        reconnects_per_client_and_day=options.reconnects_per_day,
        compression=options.compression,
        has_tls=options.tls,
    )


def prediction(options, given):
    described = load(options)
    machine = model.Machine(options.node_cores, options.node_gib * GIB, options.node_clients)
    nodes, most = model.nodes_needed(described, machine, given, options.zones)
    return figures(described, machine, nodes, most, options.zones, given)


def figures(described, machine, nodes, most, zones, given):
    cores = model.node_cores(described, nodes, given)
    memory = model.node_bytes(described, nodes, given)
    redis = model.redis_cores(described, nodes, given)
    masters = model.masters_needed(described, nodes, given)
    zone = max(1, nodes // zones)
    found = [
        [
            "deliveries/s",
            number(described.deliveries_per_second),
            f"{number(described.publications_per_second)} publications/s",
        ],
        ["nodes", number(nodes), f"asked for by {most}; enough with one of {zones} zones gone"],
        ["cores in use", number(cores.total, 1), f"of {number(nodes * machine.cores)}; most for {cores.greatest}"],
        ["memory", f"{memory.total / GIB:,.1f} GiB", f"most for {memory.greatest}"],
        ["channels a node hears", number(described.pairs(nodes) / nodes), "each a subscription in Redis"],
        ["masters of Redis", number(masters), f"{redis.total:,.2f} cores in use; most for {redis.greatest}"],
        ["memory of Redis", f"{model.redis_bytes(described, given).total / GIB:,.2f} GiB", "without replicas"],
        ["to clients", f"{model.wire_bits_per_second(described) / 1e6:,.0f} Mbit/s", "with headers"],
        [
            "a node lost",
            f"{model.storm_seconds(described, nodes, 1, machine, given):,.1f} s",
            "until its clients are back",
        ],
        ["a zone lost", f"{model.storm_seconds(described, nodes, zone, machine, given):,.1f} s", f"{zone} nodes"],
        [
            "a master lost",
            f"{model.master_loss_seconds(described, nodes, masters, given):,.1f} s",
            "15 of them until that is seen",
        ],
        [
            "full first",
            first_full(machine, nodes, cores, memory, redis, masters),
            "share of what there is, of nodes all zones",
        ],
    ]
    return rows(["", "", ""], found)


def first_full(machine, nodes, cores, memory, redis, masters):
    shares = {
        "cores of nodes": cores.total / (nodes * machine.cores),
        "memory of nodes": memory.total / (nodes * machine.bytes),
        "Redis": redis.total / masters,
    }
    first = max(shares, key=shares.get)
    return f"{first}, {shares[first]:.0%}"
