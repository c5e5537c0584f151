"""What a run came to, in words."""

import time


def counted(counts):
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"


def reconnects(checker):
    """Connections that ended, by why; that a poll is answered is no end."""
    return f"{sum(checker.ends.values()):,} ({counted(checker.ends)})"


def sessions(run):
    """The nodes' counts are of those that live at the end."""
    found, resumed = (int(run.metrics[f"perseid_sessions_{name}_total"]) for name in ("found", "resumed"))
    shown = run.checker.counts["resumes with a token"]
    alone = run.checker.counts["resumes with only a token"]
    of_nodes = f"{found:,} found in memory by polls, {resumed:,} resumed over Redis"
    return f"{of_nodes}; connections with a token {shown:,}, with only that {alone:,}"


def sent_back(run):
    """Readers that a takeover took back to where they had been."""
    by_gap, by_session = (run.checker.counts[f"sent back by a {what}"] for what in ("gap", "session"))
    return f"{by_gap:,} times by a gap, between nodes with different masters; {by_session:,} times by a session"


def losses(run):
    """What Redis lost by itself, and what became of those who had it."""
    acknowledged = sum(lost.is_acknowledged for lost in run.lost)
    unread = sum(lost.previous is None for lost in run.lost)
    told, unseen = run.checker.counts["lost, and told"], run.checker.counts["lost, and unseen"]
    publications = f"{len(run.lost)} publications, {acknowledged} of them acknowledged, {unread} that nobody read"
    readers = f"{told:,} readers stood there and were told a gap; {unseen:,} times one went by who never had it"
    return f"{publications}; {readers}; sessions {run.checker.counts['lost sessions']}"


def merged(checker):
    """Of channels in which newer publications take the place of older ones."""
    if not checker.records:
        return
    yield "merged", counted(checker.counts)
    for name, delays in sorted(checker.delays.items()):
        delays.sort()
        middle = delays[len(delays) // 2]
        yield f"last of {name}", f"told {len(delays):,} times, {middle:,} ms after it was published in the middle, {delays[-1]:,} at most"


def outcome(run):
    """The report's lines."""
    checker = run.checker
    others = checker.offence_counts.copy()
    lost, doubled, reordered = (others.pop(kind, 0) for kind in ("lost", "doubled", "reordered"))
    options = run.options
    rows = [
        ("run", f"{options.topology}{', durable' * options.durable}{', upgraded' * bool(options.upgrade_from)}, seed {options.seed}, {options.minutes:g} min, {options.nodes} nodes, {options.clients} clients"),
        ("faults survived", counted(run.faults.survived)),
        ("reconnects", reconnects(checker)),
        ("acknowledged", f"{run.acknowledged_count:,} publications; until then: {counted(run.troubles)}"),
        ("delivered", f"{checker.counts['delivered']:,}, checked one by one"),
        ("offences", f"lost {lost}, doubled {doubled}, reordered {reordered}; others: {counted(others)}"),
        ("", f"of publishing and the cluster: {len(run.problems)}"),
        ("repeated", f"{checker.counts['repeated']:,} for clients without cursor"),
        *merged(checker.merged),
        ("sessions", sessions(run)),
        ("gaps told", counted(checker.gap_counts)),
        ("took over", f"{run.topology.takeover_count} times another master; slots moved {run.topology.moved_count}"),
        ("lost by Redis", losses(run)),
        ("sent back", sent_back(run)),
        ("slowest drain", f"{run.faults.slowest_drain_seconds:.1f} s"),
        ("all caught up", f"{run.catch_up_seconds:.1f} s after the last publication"),
    ]
    if options.failover:
        back = run.resumption
        ending = f"the last of {back.cut_count:,} clients was back after {back.seconds:.2f} s"
        rows.append(("failover", ending if back.is_complete else "not all clients came back"))
    return [f"{name:<17}{text}" for name, text in rows]


def described(offence):
    """One offence with what led to it."""
    who = f"client {offence.client} on {offence.transport}, channel {offence.channel or '-'}"
    lines = [f"{offence.kind}: {who}: {offence.text}"]
    for event, node in offence.history:
        what = " ".join(part for part in (event.kind, event.channel, event.position, event.detail) if part)
        lines.append(f"  {clock(event.milliseconds)} node {node}: {what}")
    return lines


def clock(milliseconds):
    return time.strftime("%H:%M:%S", time.localtime(milliseconds / 1_000)) + f".{milliseconds % 1_000:03}"
