"""Runs that coefficients are taken from: small ones, that differ in one thing."""

import json
import tempfile
from pathlib import Path

from harness import build
from harness.machine import Machine

from . import fit, fitting, options, report, tls
from .coefficients import Measured
from .programs import programs
from .run import Run

# What varies, and how it is told. A minute and a half each.
CASES = {
    "few": ["--nodes", "4", "--carrier", "websocket"],
    "many": ["--nodes", "12", "--carrier", "websocket"],
    "sessions": ["--nodes", "4", "--carrier", "sessions"],
    "events": ["--nodes", "4", "--carrier", "events"],
}
COMMON = ["--clients", "40000", "--no-kill", "--no-roll", "--idle-minutes", "0.5", "--name", "try-measure"]
# Half of what the machine can deliver, so that nothing waits for a core.
COMMON += ["--deliveries-per-second", "20000"]


def one(words, chosen, facts, say):
    given = options.parse("", words + COMMON)
    with tempfile.TemporaryDirectory(prefix="perseid-capacity-") as directory:
        run = Run(given, chosen, Path(directory), say)
        with run.all_of_it():
            run.carry_out()
        found = report.results(run, facts, None)
    if not report.is_clean(found):
        raise RuntimeError(
            f"{' '.join(words)}: deliveries were wrong: {[step['offences'] for step in found['steps'].values()]}"
        )
    return found


def measure(repetitions, say):
    """Runs all cases, taking turns."""
    fit.descriptor_limit()
    chosen = programs()
    facts = dict(Machine.here(chosen).facts)
    groups = {name: [] for name in [*CASES, "tls"]}
    for repetition in range(repetitions):
        for name, words in CASES.items():
            say(f"{name}, {repetition + 1} of {repetitions}")
            keep(groups, name, repetition, one(words, chosen, facts, lambda text: say(f"    {text}")))
        say(f"tls, {repetition + 1} of {repetitions}")
        keep(groups, "tls", repetition, tls.measure(chosen))
    return fitted(facts, groups)


def keep(groups, name, repetition, found):
    """Also in a file, so that another model can be tried on it."""
    groups[name].append(found)
    (build.WORK / f"capacity-{name}-{repetition + 1}.json").write_text(json.dumps(found))


def again():
    """From the runs that were kept."""
    groups = {
        name: [json.loads(path.read_text()) for path in sorted(build.WORK.glob(f"capacity-{name}-*.json"))]
        for name in [*CASES, "tls"]
    }
    return fitted(dict(groups["few"][0]["facts"]), groups)


def fitted(facts, groups):
    way = groups["few"][0]["steps"]["quiet"]["points"]
    return Measured(facts, fitting.fit(groups), way)
