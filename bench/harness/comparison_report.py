"""The report of two builds against each other: a row for each measure, with the spread of its ratio."""

import statistics

from .report import row

METHOD = """\
Both builds take turns in every repetition of a case, and which comes first changes from one to the next. The ratio is
this build's to the other's within one repetition: smallest, median and greatest. How far the ratios of one measure lie
apart says what this machine can tell; a bar is judged by the median, with 2 % for the way from one to the other.
"""

TITLES = ["case", "server", "measure", "this", "other", "ratio: min – median – max", "wrong: this, other", ""]


def markdown(machine, comparisons, given, repetitions, against):
    lines = ["# This build against another", ""]
    command = " ".join(["bench/run", *given])
    lines += [f"Measured by `{command}`, {repetitions} repetition(s) of each; the other is `{against}`.", ""]
    lines += ["| | |", "| --- | --- |"] + [f"| {name} | {value} |" for name, value in machine.facts]
    lines += ["", METHOD, row(TITLES), row(["---"] * len(TITLES))]
    for comparison in comparisons:
        lines += rows(comparison)
    for comparison in comparisons:
        lines += [f"\n{comparison.case.name}, {failure}" for failure in comparison.failures]
    return "\n".join(lines) + "\n"


def rows(comparison):
    for pair in comparison.pairs:
        for measure in comparison.case.shown:
            ratios = pair.ratios(measure)
            if not ratios:
                continue
            middles = (ratios[0], statistics.median(ratios), ratios[-1])
            yield row(
                [comparison.case.name, pair.contender.label, measure.title]
                + [measure.text(value) for value in pair.median(measure)]
                + [" – ".join(f"{ratio:.3f}" for ratio in middles)]
                + [", ".join(map(str, pair.wrong())), comparison.verdict(pair, measure)]
            )
