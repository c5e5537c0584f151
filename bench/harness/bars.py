"""Bars: what must be reached."""

from dataclasses import dataclass

from .measures import Measure


@dataclass(frozen=True)
class Verdict:
    bar: str
    measured: str
    passed: bool | None

    @property
    def word(self):
        return {True: "pass", False: "**fail**", None: "not measured"}[self.passed]


@dataclass(frozen=True)
class RatioBar:
    """Perseid against the best of another family."""

    measure: Measure
    family: str
    factor: float

    def judge(self, outcome):
        sign = "≥" if self.measure.more_is_better else "≤"
        bar = f"{self.measure.title} {sign} {self.factor:g} × {self.family}"
        ours = outcome.judged("perseid")
        theirs = outcome.best(self.family, self.measure)
        if ours is None or theirs is None:
            return Verdict(bar, "–", None)
        ratio = ours.middle[self.measure.key] / theirs.middle[self.measure.key]
        reached = ratio >= self.factor if self.measure.more_is_better else ratio <= self.factor
        text = (
            f"{self.measure.text(ours.middle[self.measure.key])} / {self.measure.text(theirs.middle[self.measure.key])}"
            f" = {ratio:.2f}"
        )
        return Verdict(bar, text, reached)


@dataclass(frozen=True)
class AgainstBar:
    """One contender against another, both ours."""

    measure: Measure
    label: str
    other: str
    factor: float

    def judge(self, outcome):
        bar = f"{self.label}: {self.measure.title} ≤ {self.factor:g} × {self.other}"
        found = {one.contender.label: one.middle[self.measure.key] for one in outcome.standings}
        if self.label not in found or self.other not in found:
            return Verdict(bar, "–", None)
        ratio = found[self.label] / found[self.other]
        text = f"{self.measure.text(found[self.label])} / {self.measure.text(found[self.other])} = {ratio:.2f}"
        return Verdict(bar, text, ratio <= self.factor)


@dataclass(frozen=True)
class LimitBar:
    """Perseid alone: at most, or where more is better at least."""

    measure: Measure
    limit: float

    def judge(self, outcome):
        sign = "≥" if self.measure.more_is_better else "≤"
        bar = f"{self.measure.title} {sign} {self.limit:g}"
        ours = outcome.judged("perseid")
        if ours is None:
            return Verdict(bar, "–", None)
        value = ours.middle[self.measure.key]
        reached = value >= self.limit if self.measure.more_is_better else value <= self.limit
        return Verdict(bar, self.measure.text(value), reached)


@dataclass(frozen=True)
class NothingLostBar:
    """Every delivery once and in order."""

    def judge(self, outcome):
        bar = "nothing lost, doubled or refused"
        ours = outcome.judged("perseid")
        if ours is None:
            return Verdict(bar, "–", None)
        return Verdict(bar, f"{ours.middle['wrong']} wrong", ours.middle["wrong"] == 0)
