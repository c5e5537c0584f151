"""Shows that the checker can fail: histories with one fault each, and what it must call it."""

from collections import Counter
from types import SimpleNamespace

from .cluster_backend import key_slot
from .channel_record import ChannelRecord, LostPublication
from .checker import COMING_MILLISECONDS, Checker
from .journal import Event
from .losses import Losses
from .merged_self_test import judged as judged_merged
from .publisher import Acknowledgement
from .shard_place import place

COUNT = 9


def at(number):
    """The position of the publication of that number; 0 is the start."""
    return f"{number * 100}-0" if number else "0-0"


def record(payloads=None, channel="a"):
    payloads = payloads or [f"h1-{number}" for number in range(1, COUNT + 1)]
    entries = [(at(number), at(number - 1), payload) for number, payload in enumerate(payloads, 1)]
    return ChannelRecord(channel, entries)


def message(number, payload=None):
    return Event(number, 0, "message", "a", at(number), payload or f"h1-{number}")


def messages(*numbers):
    return [message(number) for number in numbers]


def subscribed(number, recovered=""):
    return Event(0, 0, "subscribed", "a", at(number), recovered)


def resume(number=None):
    return Event(0, 0, "resume", "", "", "" if number is None else f"a@{at(number)}")


def resume_without_cursor():
    return [Event(0, 0, "end", detail="closed"), Event(0, 0, "resume", "", "only token")]


def gap(first, last):
    return Event(0, 0, "gap", "a", at(last), at(first))


def poll(position, recovered="true", numbers=(), gaps=()):
    """An answer with these publications and gaps, of which the cursor says that it ends at the position."""
    lacks = [Event(0, 0, "lacks", "a", at(last), at(first)) for first, last in gaps]
    ends = [Event(0, 0, "stands", "a", at(position))]
    return [Event(0, 0, "answer", detail=recovered)] + lacks + messages(*numbers) + ends


def back(cursor, position, recovered="true"):
    """It comes back with a cursor, and is told where it stands."""
    return [Event(0, 0, "end", detail="closed"), resume(cursor), subscribed(position, recovered)]


def rest(first):
    return messages(*range(first, COUNT + 1))


BEGIN = [resume(), subscribed(2)]
POLLS = [resume()] + poll(3, recovered="")
WITHOUT_CURSOR = resume_without_cursor()
SENT_BACK = BEGIN + messages(3, 4, 5) + WITHOUT_CURSOR + [subscribed(2, "true")]
TAKEN_OVER = Event(0, 0, "offence", detail="taken over")

# What happened, what the checker must find (nothing: it must be content), and what the client saw.
SCENARIOS = [
    ("an unbroken stream", "", BEGIN + rest(3)),
    ("a resume in the middle", "", BEGIN + messages(3, 4) + back(4, 4) + rest(5)),
    ("a gap that is told", "", BEGIN + messages(3) + [gap(3, 6)] + rest(7)),
    ("a resume that says what is missing", "", BEGIN + back(2, 5, "false") + rest(6)),
    ("polls", "", POLLS + poll(5, numbers=(4, 5)) + poll(9, numbers=(6, 7, 8, 9))),
    ("a first poll that brings something", "", [resume()] + poll(9, "", (8, 9))),
    ("a first poll in whose midst something is missing", "", [resume()] + poll(9, "false", (3, 8, 9), [(3, 7)])),
    ("a poll that says what is missing", "", POLLS + poll(9, "false", (8, 9), [(3, 7)])),
    ("a poll with two gaps", "", POLLS + poll(9, "false", (4, 7), [(4, 6), (7, 9)])),
    ("a client without cursor", "", BEGIN + messages(3, 4) + WITHOUT_CURSOR + [subscribed(2, "true")] + rest(3)),
    ("that is sent back twice", "", SENT_BACK + messages(3) + WITHOUT_CURSOR + [subscribed(3, "true")] + rest(4)),
    ("that loses nothing of its own", "", BEGIN + WITHOUT_CURSOR + [subscribed(2, "true")] + rest(3)),
    ("that is told what is missing", "", BEGIN + WITHOUT_CURSOR + [subscribed(5, "false")] + rest(6)),
    ("a lost publication", "lost", BEGIN + messages(3, 4) + rest(6)),
    ("a lost last publication", "lost", BEGIN + messages(3, 4, 5, 6, 7, 8)),
    ("nothing at all", "lost", [resume()]),
    ("a doubled publication", "doubled", BEGIN + messages(3, 4) + rest(4)),
    ("a replay of what was there", "doubled", BEGIN + messages(3, 4) + back(4, 4) + rest(4)),
    ("two that changed places", "reordered", BEGIN + messages(3, 5, 4) + rest(6)),
    ("one that comes though it was told missing", "reordered", BEGIN + [gap(2, 4)] + rest(4)),
    ("a resume that leaves out some", "skipped", BEGIN + messages(3) + back(3, 5) + rest(6)),
    ("a resume that begins anew without a word", "skipped", BEGIN + back(2, 5, "") + rest(6)),
    ("a cursor that moves by itself", "skipped", BEGIN + messages(3) + back(5, 5) + rest(6)),
    ("a cursor that goes back", "rewound doubled", BEGIN + messages(3, 4) + back(3, 3) + rest(4)),
    ("a resume that is told of less than it had", "rewound", BEGIN + messages(3, 4) + back(4, 3, "false") + rest(5)),
    ("a poll that leaves out the middle", "lost", POLLS + poll(9, numbers=(4, 6, 7, 8, 9))),
    ("a poll that leaves out the end", "skipped", POLLS + poll(9, numbers=(4, 5, 6))),
    ("a poll that is set back", "rewound doubled", POLLS + poll(2, "false") + poll(9, numbers=range(3, 10))),
    ("a poll with a gap of another channel", "skipped", POLLS + poll(9, "false")),
    ("a poll that leaves out more than it says", "lost", POLLS + poll(9, "false", (6, 7, 8, 9), [(3, 4)])),
    ("a poll that sends what it says is missing", "reordered", POLLS + poll(9, "false", range(4, 10), [(3, 4)])),
    ("a poll whose gap begins elsewhere", "forbidden", POLLS + poll(9, "false", range(4, 10), [(1, 4)])),
    ("a poll that does not say whether it has all", "forbidden", POLLS + poll(9, "", range(4, 10))),
    ("without cursor, carried further", "skipped", BEGIN + WITHOUT_CURSOR + [subscribed(4, "true")] + rest(5)),
    ("sent back, with something left out", "lost", SENT_BACK + messages(3) + rest(5)),
    ("sent back, with something doubled", "doubled", SENT_BACK + messages(3, 4) + rest(4)),
    ("sent back, and not told whether it has all", "skipped", BEGIN + WITHOUT_CURSOR + [subscribed(5)] + rest(6)),
    ("sent back once, and never again there", "lost", SENT_BACK),
    ("a gap that begins elsewhere", "forbidden", BEGIN + messages(3, 4) + [gap(3, 6)] + rest(7)),
    ("a message before all else", "forbidden", [resume()] + rest(3)),
    ("a publication nobody published", "unknown", BEGIN + rest(3) + [message(COUNT + 1)]),
    ("another payload", "unknown", BEGIN + [message(3, "h1-4")] + rest(4)),
    ("a session that is taken over for nothing", "forbidden", BEGIN + rest(3) + [TAKEN_OVER]),
]

# Behind the fourth, a master told three that the next one does not know; the clock of their positions runs on.
LOST = {number: f"h2-{number}" for number in (41, 42, 43)}
# When a replica took over, in milliseconds.
WINDOW = (100, 1_000)


def lost_at(number):
    return f"4{number}-0"


def lost(number, payload=None):
    return Event(500, 0, "message", "a", lost_at(number), payload or LOST[number])


def gap_back(number, last, milliseconds=500):
    """From a lost one to one that survived."""
    return Event(milliseconds, 0, "gap", "a", at(last), lost_at(number))


def back_from(number, position, recovered):
    return [Event(500, 0, "end"), Event(500, 0, "resume", "", "", f"a@{lost_at(number)}"), subscribed(position, recovered)]


def lost_poll(*events, recovered="true", ends):
    return [Event(500, 0, "answer", detail=recovered), *events, Event(500, 0, "stands", "a", ends)]


def at_once(events, milliseconds=500):
    return [event._replace(milliseconds=milliseconds) for event in events]


# What another client saw, who had all of them.
FOUR = BEGIN + messages(3, 4)
ALL = FOUR + [lost(41), lost(42), lost(43)]
WITNESS = [event._replace(client=1) for event in ALL + [gap_back(43, 4)] + rest(5)]
WELCOME = Event(0, 0, "welcome", detail="n")
LONG_HERE = [event._replace(milliseconds=-COMING_MILLISECONDS) for event in BEGIN]
LATE = message(3)._replace(milliseconds=2 * COMING_MILLISECONDS)
HELD_POLLS = POLLS + poll(4, numbers=(4,))

# The same, where Redis lost something: `gap` is no offence where that explains it.
LOSSES = [
    ("lost ones, and a gap that tells it", "", ALL + [gap_back(43, 4)] + rest(5)),
    ("some of them", "", FOUR + [lost(41), gap_back(41, 4)] + rest(5)),
    ("none of them", "", BEGIN + rest(3)),
    ("one that comes back and is told", "", ALL + back_from(43, 4, "false") + rest(5)),
    ("one that is told of more than it had", "", FOUR + [gap(4, 4)] + rest(5)),
    ("a poll that has them", "", HELD_POLLS + lost_poll(lost(41), ends=lost_at(41))
        + lost_poll(Event(500, 0, "lacks", "a", at(4), lost_at(41)), *rest(5), recovered="false", ends=at(9))),
    ("a way back to who still has them", "", ALL + [gap_back(43, 4), lost(41), gap_back(41, 4)] + rest(5)),
    ("a way there and back that repeats", "", BEGIN + messages(3, 4, 5)
        + [Event(500, 0, "gap", "a", lost_at(41), at(5)), gap_back(41, 4)] + rest(5)),
    ("a way back to who never had what is new", "gap", FOUR + at_once(messages(5, 6) + [gap(6, 4)] + rest(5))),
    ("the same of what was there long before", "forbidden doubled", [event._replace(milliseconds=50) for event in FOUR]
        + at_once([gap(4, 2)] + rest(3), 50)),
    ("a gap that begins anew at the lost", "lost", ALL + [gap_back(43, 4)] + rest(6)),
    ("lost ones, and no word of it", "strayed", ALL + rest(5)),
    ("one that comes back and is told nothing", "strayed", ALL + back_from(43, 4, "true") + rest(5)),
    ("a poll that is told nothing", "strayed", HELD_POLLS + lost_poll(lost(41), ends=lost_at(41))
        + lost_poll(*rest(5), ends=at(9))),
    ("a poll whose cursor forgets them", "strayed", HELD_POLLS + lost_poll(lost(41), ends=at(4))
        + poll(9, numbers=range(5, 10))),
    ("a lost one left out", "lost", FOUR + [lost(41), lost(43), gap_back(43, 4)] + rest(5)),
    ("the first of them left out", "lost", FOUR + [lost(42), gap_back(42, 4)] + rest(5)),
    ("a lost one twice", "doubled", ALL + [lost(43), gap_back(43, 4)] + rest(5)),
    ("lost ones that changed places", "lost doubled", FOUR + [lost(42), lost(41), gap_back(42, 4)] + rest(5)),
    ("a lost one out of its place", "strayed", BEGIN + messages(3, 4, 5) + [lost(41), gap_back(41, 5)] + rest(6)),
    ("two publications at one position", "unknown", FOUR + [lost(41, "h2-9"), gap_back(41, 4)] + rest(5)),
    ("a lost one that nobody published", "unknown", FOUR + [lost(99, "x-1")] + rest(5)),
    ("a gap that tells too much", "gap", ALL + [gap_back(43, 6)] + rest(7)),
    ("a gap that takes it too far back", "forbidden doubled", ALL + [gap_back(43, 3, 2_000)] + rest(4)),
    ("the end in the midst of them", "lost", ALL),
    ("silence where its node told others", "silent", [WELCOME, *LONG_HERE] + rest(3)),
    ("silence to one that was still told what was before it", "", [WELCOME, *LONG_HERE, LATE] + rest(4)),
    ("silence to one that has just come", "", [WELCOME, *BEGIN] + rest(3)),
]

# Of a client that has no cursor but its session, which may be set back as long as a takeover is not long ago.
SET_BACK = [
    ("a session that knows nothing of the lost", "", ALL + at_once(rest(5))),
    ("a session that is behind", "", BEGIN + messages(3, 4, 5) + at_once(messages(4, 5) + rest(6))),
    ("a session that goes further", "strayed", ALL + at_once(rest(6))),
    ("a gap from what an answer had that never came", "", FOUR + [gap_back(41, 4)] + at_once(rest(5))),
    ("a gap that a session tells twice", "", FOUR + [lost(41), gap_back(41, 4)] + messages(5) + [gap_back(41, 4)] + at_once(rest(5))),
    ("such a gap long after", "forbidden", FOUR + [gap_back(41, 4, 60_000)] + at_once(rest(5), 60_000)),
    ("a session that is set back long after", "doubled", BEGIN + messages(3, 4, 5) + at_once(messages(5) + rest(6), 60_000)),
]

# Streams and acknowledgements: what is wrong, the payloads, and what a publisher was told.
RECORDS = [
    ("a stream as published", False, ["h1-1", "h2-1", "h1-2"], Acknowledgement("a", at(3), "h1-2")),
    ("a publication that is there twice", True, ["h1-1", "h2-1", "h1-1"], None),
    ("a publisher's two in the wrong order", True, ["h1-2", "h1-1"], None),
    ("an acknowledged publication that is not there", True, ["h1-1"], Acknowledgement("a", at(2), "h1-2")),
    ("an acknowledged publication that is elsewhere", True, ["h1-1", "h1-2"], Acknowledgement("a", at(1), "h1-2")),
]


def found_in(events, forbids_gaps=False, known=None):
    checker = Checker({"a": known or record()}, forbids_gaps)
    checker.take(Event(0, 0, "client", detail="/ws a"))
    for event in events:
        checker.take(event)
    checker.finish()
    return set(+checker.offence_counts)


def found_where_lost(events, transport="/ws"):
    """As a run does it: first what was lost, as everybody saw it, then each client."""
    known = record()
    losses = Losses([WINDOW])
    publisher = SimpleNamespace(name="h2", numbers=Counter(a=43), acknowledged=[Acknowledgement("a", lost_at(42), LOST[42])])
    losses.take_publishers([publisher], {"a": known})
    clients = [Event(0, client, "client", detail=f"{transport} a") for client in (0, 1)]
    told = [WELCOME._replace(client=1)] + WITNESS
    for event in told + events:
        losses.take(event, {"a": known})
    losses.finish({"a": known})
    checker = Checker({"a": known}, forbids_gaps=True, losses=losses)
    for event in clients + told + events:
        checker.take(event)
    checker.finish()
    return set(+checker.offence_counts)


def problems_of(known, acknowledgement=None):
    told = known.acknowledgement_problems(acknowledgement) if acknowledgement else []
    return [*known.problems(), *told]


def judged_scenarios():
    for name, expected, events in SCENARIOS:
        found = found_in(events)
        yield name, found, found == set(expected.split())
    for name, expected, events in LOSSES:
        found = found_where_lost(events)
        yield f"lost by Redis: {name}", found, found == set(expected.split())
    for name, expected, events in SET_BACK:
        found = found_where_lost(events, "/bayeux")
        yield f"lost by Redis: {name}", found, found == set(expected.split())
    found = found_in(BEGIN + [gap(2, 6)] + rest(7), forbids_gaps=True)
    yield "a gap where none may be", found, found == {"gap"}
    paced = BEGIN + [Event(2, 0, "paced", detail="2"), gap(2, 6)._replace(milliseconds=900)] + rest(7)
    found = found_in(paced, forbids_gaps=True)
    yield "a gap for who is told in batches, without need", found, found == {"gap"}
    flood = [f"h1-{number}" if number in (1, 2, 7, 8, 9) else f"h1-{number}+60000" for number in range(1, COUNT + 1)]
    found = found_in(paced, forbids_gaps=True, known=record(flood))
    yield "a gap for who is told in batches, of what is more than one may be", found, not found


def judged_records():
    for name, is_wrong, payloads, acknowledgement in RECORDS:
        problems = problems_of(record(payloads), acknowledgement)
        yield name, problems, bool(problems) == is_wrong
    known, losses = record(), Losses()
    known.lost = {lost_at(number): LostPublication(LOST[number]) for number in (41, 42)}
    losses.claims["a", lost_at(42)] = {lost_at(41), "441-5"}
    losses.finish({"a": known})
    yield "what a lost one followed, where somebody was at the new master before", [], known.lost[lost_at(42)].previous == lost_at(41)
    yield "the slot of a key", [], key_slot("x{123456789}") == 0x31C3
    yield "the place of a channel", [], place(["a", "b"], "news") == 1 - place(["b", "a"], "news")
    known, told = record(), Acknowledgement("a", "250-0", "h1-42")
    known.lost["250-0"] = LostPublication("h1-42", is_acknowledged=True)
    problems = list(known.acknowledgement_problems(told))
    yield "an acknowledged publication that a takeover lost", problems, not problems
    problems = list(known.acknowledgement_problems(told, may_be_lost=False))
    yield "the same, which was durable", problems, bool(problems)
    broken = record()
    broken.entries[4] = (at(5), at(3), "h1-5")
    problems = problems_of(broken)
    yield "a stream whose chain is broken", problems, bool(problems)


def run():
    """Prints each case; says whether the checker is right about all."""
    outcomes = [*judged_scenarios(), *judged_records(), *judged_merged()]
    for name, found, is_right in outcomes:
        print(f"{'ok  ' if is_right else 'FAIL'}  {name}: {', '.join(sorted(found)) or 'nothing found'}")
    return all(is_right for _, _, is_right in outcomes)
