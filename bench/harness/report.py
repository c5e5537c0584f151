"""The report: one Markdown file."""

import os
import re
from pathlib import Path

from .build import BENCH, ROOT, WORK

METHOD = """\
Everything runs on one machine over loopback, so absolute numbers say little: what counts is the ratio to the floor
(the smallest epoll + `send` broadcast there can be, in `bench/Sources/Floor`) and to nchan in the same run. Servers
take turns; a value is the median of the repetitions, with the range in brackets where they differ.

- CPU is what all threads of the server's processes spent, from `/proc/<pid>/task/*/schedstat`; memory is PSS from
  `/proc/<pid>/smaps_rollup`, with every nginx worker.
- A window starts and ends in quiet: it lasts until the last delivery, so a backlog is not counted as throughput.
- Every subscriber checks every publication: lost, doubled or out of order counts as wrong. Rates are open loop, and
  latency runs from when a publication was due. Publishers, subscribers and timestamps share `CLOCK_MONOTONIC`.
- Over Redis the floor is the smallest relay: `PUBLISH`, `SUBSCRIBE` and a frame; no history and no recovery.
- nchan delivers the bare payload, so it is compared with `format=raw`; *envelope* is Perseid's default JSON message.
- A server of one thread has core 0 and the generator core 1 (*pinned*); several nodes or threads share both cores with
  the generator. In the latency cases the generator has real-time priority, so that its own waiting is not measured.
- nchan has as many workers as Perseid has reactors; for saturation the better of one and two workers counts. Where
  latency is measured its connections make one request before the upgrade, since nginx sets TCP_NODELAY only then.
"""


def markdown(machine, outcomes, given, repetitions):
    lines = ["# What Perseid reaches", ""]
    lines += [f"Measured by `bench/run{''.join(' ' + word for word in given)}`, {repetitions} repetition(s) of each.", ""]
    lines += ["| | |", "| --- | --- |"] + [f"| {name} | {value} |" for name, value in machine.facts]
    lines += ["", METHOD, "## The bars", ""]
    lines += ["| case | bar | Perseid / other = ratio | | limited by |", "| --- | --- | --- | --- | --- |"]
    for outcome in outcomes:
        lines += bars(outcome)
    for outcome in outcomes:
        lines += [""] + details(outcome)
    return "\n".join(lines) + "\n"


def bars(outcome):
    ours = outcome.judged("perseid")
    limit = limited_by(ours, outcome.case.is_saturating) if ours else "–"
    rows = []
    for bar in outcome.case.bars:
        verdict = bar.judge(outcome)
        rows.append(f"| {outcome.case.name} | {verdict.bar} | {verdict.measured} | {verdict.word} | {limit} |")
    return rows


def details(outcome):
    shown = outcome.case.shown
    titles = ["server"] + [measure.title for measure in shown] + ["wrong", "limited by"]
    lines = [f"## {outcome.case.name}", "", outcome.case.title + ".", ""]
    lines += [row(titles), row(["---"] * len(titles))]
    for standing in outcome.standings:
        cells = [standing.contender.label + (", pinned" if standing.contender.is_pinned else "")]
        cells += [cell(measure, standing) for measure in shown]
        cells += [str(standing.middle["wrong"]), limited_by(standing, outcome.case.is_saturating)]
        lines.append(row(cells))
    lines += [f"\n{label}: {reason}" for label, reason in outcome.failures.items()]
    return lines + [""] + commands(outcome)


def row(cells):
    return "| " + " | ".join(cells) + " |"


def cell(measure, standing):
    values = [sample[measure.key] for sample in standing.samples]
    middle, low, high = (measure.text(value) for value in (standing.middle[measure.key], min(values), max(values)))
    return middle if low == high else f"{middle} ({low}–{high})"


def commands(outcome):
    lines = ["<details><summary>commands of the last repetition</summary>", "", "```"]
    for standing in outcome.standings:
        lines += [f"# {standing.contender.label}"] + [without_paths(command) for command in standing.commands]
    return lines + ["```", "", "</details>"]


def without_paths(command):
    """Paths of this checkout and of its run directories say nothing elsewhere."""
    command = command.replace(str(BENCH) + "/", "bench/").replace(str(ROOT) + "/", "")
    return re.sub(r"bench/work/\w+-\w+", "bench/work/run", command)


# A thread is taken to be the limit when it was on a core this much of the time; the rest goes to what the kernel and
# the machine's other guests take.
SATURATED = 0.9


def limited_by(standing, is_saturating):
    """What kept a contender from more."""
    middle = standing.middle
    if "server_share" not in middle:
        return "number of connections"
    generator = "generator_cores" if standing.contender.is_pinned else "generator_share"
    shares = {"server thread": "server_share", "load generator": generator, "Redis": "redis_cores"}
    full = [name for name, key in shares.items() if middle[key] > SATURATED]
    if not full and middle["machine_cores"] > SATURATED * cores():
        full = ["all cores"]
    otherwise = "waiting for answers" if is_saturating else "offered load"
    return " and ".join(full) or otherwise


def cores():
    return os.cpu_count() or 1


def write(table, output, is_whole):
    path = Path(output) if output else (BENCH if is_whole else WORK) / "RESULTS.md"
    path.write_text(table)
    return path
