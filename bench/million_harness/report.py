"""Results: as they are kept, as a table at the end of a run, and as `MILLION.md`."""

import json

from harness import build

from . import pictures, tables, verdict

PATH = build.BENCH / "MILLION.md"
SAMPLES_MAX = 400

HEAD = """# A million clients on one small machine

Written by `bench/million --report` from the runs that `bench/million` made; how is said in [README.md](README.md). Everything shares this
machine's cores: Redis, nodes, and the crowds of clients, which take about as much of it as the nodes. So times say what two cores do, and
costs (processor time, memory) say what is needed elsewhere.

- A client reads up to three channels: the one that all read, one of a thousand readers, and one of ten. Clients go to the node that has the
  fewest, as a balancer would send them, so where there are many nodes the ten readers of a channel are at nine of them or so.
- Each client holds the sequence number of what comes against the one before, and after each step against what was published.
- Memory of processes is PSS; of the kernel what slabs, page tables and stacks have grown by. Processor time is that of `schedstat`.
- *Own* cost is without what the nodes spend while nothing happens, measured in a step of its own (*rest*).
- Bars for a million clients do not judge runs with fewer.
"""


def name(options):
    return options.name or f"{options.carrier}-{options.redis}-{options.clients}"


def thinned(samples):
    """Sums of neighbours would hide peaks, so each of some is kept."""
    every = max(1, -(-len(samples) // SAMPLES_MAX))
    return samples[::every]


def results(run, facts, failure):
    options = run.options
    return {
        "name": name(options),
        "facts": dict(facts),
        "clients": options.clients,
        "carrier": options.carrier,
        "redis": options.redis,
        "nodes": run.plan.nodes,
        "crowds": run.plan.crowds,
        "settings": run.nodes.settings_text if run.nodes else None,
        "payload_bytes": options.payload_bytes,
        "room": run.plan.lines,
        "failure": failure,
        "steps": run.results,
        "samples": thinned(run.watch.samples) if run.watch else [],
        "marks": run.watch.marks if run.watch else [],
    }


def is_clean(found):
    return not found["failure"] and not any(step["offences"] for step in found["steps"].values())


def table(found):
    """All of one run, as text."""
    lines = ["| case | bar | measured | |", "| --- | --- | --- | --- |"]
    lines += [f"| {bar.case} | {bar.bar} | {bar.value} | {bar.word} |" for bar in verdict.bars(found)]
    lines += [""] + tables.memory(found) + [""] + tables.costs(found) + [""] + tables.latencies(found)
    return "\n".join(lines + [""] + tables.harm(found) + [""] + tables.resting(found))


def write_all():
    """Every run that was kept, the biggest first; runs made only to try something are named `try…`."""
    paths = [path for path in sorted(build.WORK.glob("million-*.json")) if not path.name.startswith("million-try")]
    runs = sorted((json.loads(path.read_text()) for path in paths), key=lambda run: -run["clients"])
    parts = [HEAD, "\n".join(tables.overview(runs))]
    for found in runs:
        parts.append(f"## {tables.title(found)}")
        parts.append("\n".join(tables.facts(found)))
        parts.append(table(found))
        parts += [f"![{text}](pictures/{path.name})" for text, path in pictures.draw(found)]
    PATH.write_text("\n\n".join(parts) + "\n")
    return PATH
