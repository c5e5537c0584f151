"""Nodes that are killed, and such that are rolled, with a little traffic all the time."""

import time

from .figures import latencies, shares
from .publisher import Traffic

# Publications a second, by kind of channel: 7,000 deliveries of a thousand and of ten readers each.
TRAFFIC = {1: 5, 2: 200}
ROLLING_TRAFFIC = {1: 2, 2: 50}
QUIET_SECONDS = 15
BEFORE_KILL_SECONDS = 3


def quiet(run):
    """Traffic, and nothing else: what a killed node is held against."""
    run.crowds.order("settle")
    time.sleep(1)
    return in_traffic(run, TRAFFIC, lambda: time.sleep(QUIET_SECONDS))


def in_traffic(run, per_second, action):
    before = {name: run.board.distribution(name) for name in ["delivery", "delivery_after_loss", "absence"]}
    counters, moment = run.board.counters(), run.moment()
    with Traffic(run.publisher, per_second) as traffic:
        found = action() or {}
    traffic.verify()
    used = moment.until(run.moment())
    found["missing"] = run.verify()
    found |= shares(used) | latencies(run, before["delivery"])
    for name in ["delivery_after_loss", "absence"]:
        found[name] = latencies(run, before[name], name)
    found["traffic_publications"] = traffic.count
    found["traffic_longest_answer_milliseconds"] = traffic.latest_milliseconds
    after = run.board.counters()
    for name in ["begun", "dismissed", "broken", "refused", "unconnected", "returned"]:
        found[name] = after[name] - counters[name]
    return found


def kill(run):
    """One node, without a word; its clients come back over the others."""
    victim = run.nodes.all[1]
    run.publisher.avoid(victim.number)

    def action():
        time.sleep(BEFORE_KILL_SECONDS)
        clients = run.board.clients_of(victim.number)
        returned = run.board.total("returned")
        begin = time.monotonic()
        victim.kill()
        run.watch.mark(f"node {victim.number} killed")
        run.crowds.wait(lambda: run.board.total("returned") - returned >= clients, 300, "coming back", run.say)
        back = time.monotonic() - begin
        time.sleep(max(0, QUIET_SECONDS - BEFORE_KILL_SECONDS - back))
        return {"clients": clients, "all_back_seconds": back}

    found = in_traffic(run, TRAFFIC, action)
    found["times_quiet_p99"] = found["p99"] / run.results["quiet"]["p99"] if found["p99"] else None
    victim.start()
    victim.wait()
    run.publisher.use_again(victim.number)
    run.crowds.order("settle")
    return found


def roll(run):
    """Every node is let go and started again at its port, one after the other, with traffic all the time."""
    seconds, clients = [], []

    def action():
        for node in run.nodes.all[: run.options.roll_nodes]:
            begin = time.monotonic()
            clients.append(run.board.clients_of(node.number))
            run.publisher.avoid(node.number)
            # A publish that is under way over it may end first.
            time.sleep(0.2)
            node.terminate()
            node.child.wait(60 + run.options.drain_seconds)
            node.start()
            node.wait()
            run.publisher.use_again(node.number)
            run.wait_ready(f"node {node.number} rolled", 300)
            seconds.append(time.monotonic() - begin)
            if len(seconds) % 8 == 0:
                run.say(f"  {len(seconds)} nodes are rolled, {seconds[-1]:.1f} s the last")

    found = in_traffic(run, ROLLING_TRAFFIC, action)
    found["seconds_each"] = [round(value, 2) for value in seconds]
    found["clients_each"] = clients
    run.crowds.order("settle")
    return found
