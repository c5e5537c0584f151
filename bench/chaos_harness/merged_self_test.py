"""Shows that the checker of merged channels can fail: histories with one fault each, and what it must call it."""

from .checker import Checker
from .journal import Event
from .losses import Losses
from .merged_record import MergedRecord
from .publisher import Acknowledgement

CHANNEL = "keyed/1"
SECOND = 1_000
# Publications, one a second: of each but the last two another has taken the place.
TEXTS = ["a=h1-1", "b=h1-2", "a=h1-3", "b=h1-4", "c=d1-5", "c=", "a=h1-7", "b=h1-8"]
LAST = len(TEXTS)
# Of what a replica took over from.
WINDOW = (6 * SECOND + 500, 9 * SECOND)


def at(number):
    """The position of the publication of that number; 0 is the start."""
    return f"{number * SECOND}-0" if number else "0-0"


def told(number, kind="message", moment=None, text=None):
    """One that was told as soon as it was published, if nothing else is said."""
    return Event((moment or number) * SECOND + 100, 0, kind, CHANNEL, at(number), text or TEXTS[number - 1])


def stand(kind, number, detail="", moment=0):
    return Event((moment or number) * SECOND, 0, kind, CHANNEL, at(number), detail)


def resume(number=None, token="", moment=0):
    cursor = "" if number is None else f"keyed%2F1@{at(number)}"
    return [Event(moment * SECOND, 0, "end", detail="closed"), Event(moment * SECOND, 0, "resume", "", token, cursor)]


def live(first, last=LAST):
    return [told(number) for number in range(first, last + 1)]


BEGIN = [Event(0, 0, "resume"), stand("subscribed", 0)]
# Who comes when four were published: the newest of each key.
NEW = [Event(4_500, 0, "resume"), stand("subscribed", 0, moment=4)]
SNAPSHOT = [told(3, "snapshot", 5), told(4, "snapshot", 5)]

# What happens, what it is to be called, and the events.
SCENARIOS = [
    ("all of it", "", BEGIN + live(1)),
    ("the newest of each key, in batches", "", BEGIN + [told(3, moment=4), told(4), told(6, moment=8), told(7, moment=8), told(8)]),
    ("one left out, of which nothing newer was there", "lost", BEGIN + live(1, 2) + [told(4)] + live(5)),
    ("the last value of a key left out", "lost", BEGIN + live(1, 6) + [told(8)]),
    ("one key's last value never told", "lost", BEGIN + live(1, 7)),
    ("a removal left out for who has the key", "lost", BEGIN + live(1, 5) + live(7)),
    ("a removal left out for who never had it", "", BEGIN + live(1, 4) + [told(7), told(8)]),
    ("one twice", "doubled", BEGIN + live(1, 4) + [told(4)] + live(5)),
    ("an older one behind a newer one", "reordered", BEGIN + [told(3, moment=4), told(1, moment=4), told(4)] + live(5)),
    ("another payload", "unknown lost", BEGIN + live(1, 7) + [told(8, text="b=h1-9")]),
    ("another key", "unknown", BEGIN + [told(1, text="b=h1-1")] + live(2)),
    ("what nobody published", "unknown", BEGIN + live(1) + [told(9, text="a=h1-9")]),
    ("a snapshot", "", NEW + SNAPSHOT + live(5)),
    ("a snapshot without a key", "lost", NEW + [told(4, "snapshot", 5)] + live(5)),
    ("a snapshot for who has a cursor", "forbidden", BEGIN + live(1, 2) + resume(2, moment=4) + SNAPSHOT + live(5)),
    ("a snapshot behind what is new", "forbidden", NEW + [told(3, "snapshot", 5), told(4, moment=5), told(5, "snapshot")] + live(6)),
    ("a snapshot that is not marked", "forbidden", [Event(12 * SECOND, 0, "resume"), stand("subscribed", 0, moment=12)] + [told(n, moment=12) for n in (6, 7, 8)]),
    ("one that comes as somebody new", "", BEGIN + live(1, 4) + [Event(4_400, 0, "anew")] + NEW + SNAPSHOT + live(5)),
    ("what changed since a cursor", "", BEGIN + live(1, 2) + resume(2, moment=4) + [stand("subscribed", 2, "true", 4), told(3, moment=4), told(4)] + live(5)),
    ("a cursor behind what was told", "rewound", BEGIN + live(1, 4) + resume(3, moment=4) + [stand("subscribed", 3, "true", 4)] + live(5)),
    ("a cursor ahead of what was told", "lost", BEGIN + live(1, 3) + resume(4, moment=4) + [stand("subscribed", 4, "true", 4)] + live(5)),
    ("only a token, and it is set back", "", BEGIN + live(1, 4) + resume(None, "only token", 4) + [stand("subscribed", 2, "true", 4)] + live(3)),
    ("a gap", "", BEGIN + live(1, 2) + [stand("gap", 6, at(2)), told(7), told(8)]),
    ("a gap from behind where it stands", "forbidden", BEGIN + live(1, 4) + [stand("gap", 6, at(2)), told(7), told(8)]),
    ("an answer that ends where it does", "", BEGIN + live(1) + [stand("stands", 8)]),
    ("an answer that ends further", "lost", BEGIN + live(1, 7) + [stand("stands", 8)]),
]


def record(acknowledgements=None):
    acknowledgements = acknowledgements or [Acknowledgement(CHANNEL, at(n), text) for n, text in enumerate(TEXTS, 1)]
    kept = [(at(number), at(0), TEXTS[number - 1]) for number in (6, 7, 8)]
    return MergedRecord(CHANNEL, kept, acknowledgements)


def found_in(events, forbids_gaps=False, windows=(), acknowledgements=None):
    checker = Checker({}, forbids_gaps, Losses(windows), {CHANNEL: record(acknowledgements)})
    checker.take(Event(0, 0, "client", detail=f"/ws {CHANNEL}"))
    for event in events:
        checker.take(event)
    checker.finish()
    return set(+checker.offence_counts)


def judged():
    for name, expected, events in SCENARIOS:
        found = found_in(events)
        yield f"merged: {name}", found, found == set(expected.split())
    found = found_in(BEGIN + live(1, 2) + [stand("gap", 6, at(2)), told(7), told(8)], forbids_gaps=True)
    yield "merged: a gap where none may be", found, found == {"gap"}
    found = found_in(BEGIN + live(1, 6) + [told(7, text="a=h1-6"), told(8)], windows=[WINDOW])
    yield "merged: another payload while a replica took over", found, not found
    lost = Acknowledgement(CHANNEL, "8500-0", "a=h1-9")
    acknowledgements = [Acknowledgement(CHANNEL, at(n), text) for n, text in enumerate(TEXTS, 1)] + [lost]
    told_lost = BEGIN + live(1) + [Event(8_600, 0, "message", CHANNEL, lost.position, lost.payload)]
    all_of_it = [told(number, moment=9) for number in (6, 7, 8)]
    again = [Event(9_000, 0, "gap", CHANNEL, "0-0", lost.position)] + all_of_it
    poll_long_after = [Event(30_000, 0, kind, *rest) for kind, *rest in [
        ("answer", "", "", "false"), ("lacks", CHANNEL, "0-0", lost.position), *(event[2:] for event in all_of_it), ("stands", CHANNEL, at(8)),
    ]]  # fmt: skip
    just_come = [Event(14_000, 0, "resume"), Event(14_000, 0, "stands", CHANNEL, lost.position)]
    only_token = resume(None, "only token", 9) + [stand("subscribed", 8, "true", 9)]
    for name, expected, events in [
        ("kept in the end", {"lost"}, told_lost),
        ("and what there is again", set(), told_lost + again),
        ("and what there is again, in a poll long after", set(), told_lost + poll_long_after),
        ("and what there is again, for who came just now", set(), just_come + poll_long_after),
        ("kept by who shows only its token", set(), told_lost + only_token),
    ]:
        found = found_in(events, windows=[WINDOW], acknowledgements=acknowledgements)
        yield f"merged: what a takeover lost, {name}", found, found == expected
    for name, text, is_wrong in [("as published", TEXTS[6], False), ("that is not there", "a=h1-9", True)]:
        told_texts = [Acknowledgement(CHANNEL, at(7), text)]
        problems = list(record(told_texts).problems(Losses()))
        yield f"merged: an acknowledged publication {name}", problems, bool(problems) == is_wrong
    problems = list(record([Acknowledgement(CHANNEL, at(7), "a=h1-9")]).problems(Losses([WINDOW])))
    yield "merged: a position that two masters gave", problems, not problems
    late = [Acknowledgement(CHANNEL, at(9), "a=h1-9")]
    problems = list(record(late).problems(Losses()))
    yield "merged: a key of which Redis kept an older one", problems, bool(problems)
