"""The tables of `CAPACITY.md`; what stands between them is written by hand."""

import json
import re

from harness import build

from . import capacity_report, compare, model, tree
from .tables import title

PATH = build.BENCH / "CAPACITY.md"
SIZES = [1e6, 1e7, 1e8]
NODE_CLIENTS = 100_000
ZONES = 3


def described(clients, carrier="sessions"):
    """A load that grows with its clients: each reads the channel of all, one of a thousand, one of ten."""
    kinds = (
        model.Channels(1, clients, 0.02),
        model.Channels(clients / 1_000, 1_000, 0.02),
        model.Channels(clients / 10, 10, 0.02),
    )
    return model.Load(clients, carrier, kinds, payload_bytes=200, reconnects_per_client_and_day=10)


def loads(measured):
    machine = model.Machine(cores=8, bytes=16 << 30, clients=NODE_CLIENTS)
    lines = []
    for clients in SIZES:
        load = described(clients)
        nodes, most = model.nodes_needed(load, machine, measured.values, ZONES)
        figures = capacity_report.figures(load, machine, nodes, most, ZONES, measured.values)
        lines += ["", f"**{clients:,.0f} clients**", ""] + figures
    return lines[1:]


def redis_parts(measured):
    """What Redis does for each of the sizes, in cores."""
    machine = model.Machine(cores=8, bytes=16 << 30, clients=NODE_CLIENTS)
    found = []
    for clients in SIZES:
        load = described(clients)
        nodes, _ = model.nodes_needed(load, machine, measured.values, ZONES)
        parts = model.redis_cores(load, nodes, measured.values).parts
        found.append([f"{clients:,.0f}", f"{nodes:,}"] + [f"{value:,.2f}" for value in parts.values()])
    heads = ["clients", "nodes"] + [f"{name}, cores" for name in parts]
    return capacity_report.rows(heads, found)


def comparisons(measured):
    """Every run of a million that was kept and came to its end."""
    lines = []
    for path in sorted(build.WORK.glob("million-*.json")):
        run = json.loads(path.read_text())
        if path.name.startswith("million-try") or run["failure"]:
            continue
        facts = run["facts"]
        heading = f"{title(run)}, {facts['date']}, {facts['used by others at the start']} used by others"
        lines += ["", heading, ""] + compare.table(run, measured.values)
    return lines[1:] or ["No run was kept."]


TABLES = {
    "coefficients": capacity_report.spreads,
    "comparisons": comparisons,
    "loads": loads,
    "redis": redis_parts,
    "tree": tree.table,
}


def write(measured):
    text = PATH.read_text()
    for name, made in TABLES.items():
        begin, end = f"<!-- made by bench/capacity: {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if not pattern.search(text):
            raise RuntimeError(f"{PATH.name} has no place for {name}")
        table = "\n".join([begin, ""] + made(measured) + ["", end])
        text = pattern.sub(lambda _: table, text)
    PATH.write_text(text)
    return PATH
