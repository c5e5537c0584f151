"""Results: as they are kept, as a table at the end of a run, and as `MILLION.md`."""

import json

from harness import build

from . import verdict


def name(options):
    return options.name or f"{options.carrier}-{options.redis}-{options.clients}"


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
        "samples": run.watch.samples if run.watch else [],
        "marks": run.watch.marks if run.watch else [],
    }


def is_clean(found):
    return not found["failure"] and not any(step["offences"] for step in found["steps"].values())


def table(all_results):
    return "\n".join(json.dumps(step, indent=1)[:600] for found in all_results for step in found["steps"].values())


def write_all():
    raise NotImplementedError
