"""Two builds of Perseid against each other: they take turns in every repetition, and what counts is the ratio."""

import dataclasses
import statistics
from dataclasses import dataclass, field

from .bars import LimitBar, RatioBar
from .build import say

# Of a measure's median ratio, on the wrong side of one: what issue 9 allows.
TOLERANCE = 0.02


@dataclass
class Pair:
    """What one contender of a case reached in both builds, a sample of each for every repetition."""

    contender: object
    ours: list = field(default_factory=list)
    theirs: list = field(default_factory=list)

    def ratios(self, measure):
        """Of each repetition, this build's to the other's; none where the other had nothing."""
        pairs = zip(self.ours, self.theirs)
        return sorted(ours[measure.key] / theirs[measure.key] for ours, theirs in pairs if theirs[measure.key])

    def median(self, measure):
        return [statistics.median(sample[measure.key] for sample in side) for side in (self.ours, self.theirs)]

    def wrong(self):
        return [sum(sample["wrong"] for sample in side) for side in (self.ours, self.theirs)]


@dataclass
class Comparison:
    case: object
    pairs: list = field(default_factory=list)
    failures: list = field(default_factory=list)

    @classmethod
    def of(cls, case, programs, against, repetitions, is_quick):
        found = cls(case, [Pair(one) for one in case.contenders if one.family == "perseid"])
        other = dataclasses.replace(programs, perseid=against)
        for repetition in range(repetitions):
            for pair in found.pairs:
                say(f"{case.name}: {pair.contender.label}, {repetition + 1} of {repetitions}")
                found.repeat(pair, programs, other, is_first=repetition % 2 == 0, is_quick=is_quick)
        found.pairs = [pair for pair in found.pairs if pair.ours]
        return found

    def repeat(self, pair, ours, theirs, is_first, is_quick):
        """One sample of each build, or of none; who comes first changes, for the machine may warm up or tire."""
        samples = {}
        try:
            for side in ("ours", "theirs") if is_first else ("theirs", "ours"):
                programs = ours if side == "ours" else theirs
                samples[side], _ = self.case.run_once(programs, pair.contender, is_quick)
                say(f"    {side}: {self.case.summary(samples[side])}")
        except (RuntimeError, OSError) as error:
            self.failures.append(f"{pair.contender.label}: {error}")
            say(f"    failed: {error}")
            return
        pair.ours.append(samples["ours"])
        pair.theirs.append(samples["theirs"])

    @property
    def judged_measures(self):
        """What the case has a bar for."""
        return [bar.measure for bar in self.case.bars if isinstance(bar, (RatioBar, LimitBar))]

    def verdict(self, pair, measure):
        if measure not in self.judged_measures:
            return ""
        # Turned so that more than one is worse.
        ratios = [1 / ratio if measure.more_is_better else ratio for ratio in pair.ratios(measure)]
        if statistics.median(ratios) <= 1 + TOLERANCE:
            return "pass"
        return "**fail**" if min(ratios) > 1 else "open: the spread is wider"
