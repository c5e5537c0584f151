"""Tables of one run, as lines of Markdown."""

CARRIERS = {"websocket": "WebSockets", "sessions": "WebSockets with sessions", "events": "event streams"}
REDIS = {"one": "one Redis", "cluster": "a Redis Cluster of three masters"}
PUBLISHING = ["publish to all", "publish: channels of 1,000", "publish: channels of 10", "publish to all at the end"]


def rows(heads, found):
    return [line(heads), line(["---"] * len(heads))] + [line(row) for row in found]


def line(cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def number(value, decimals=0):
    return "–" if value is None else f"{value:,.{decimals}f}"


def title(found):
    return f"{found['clients']:,} {CARRIERS[found['carrier']]}, {found['nodes']} nodes, {REDIS[found['redis']]}"


def overview(runs):
    def row(found):
        offences = {name: count for step in found["steps"].values() for name, count in step["offences"].items()}
        refusals = list(found["steps"].values())[-1].get("refusals", {}) if found["steps"] else {}
        outcome = (
            found["failure"] or ", ".join(f"{count:,} {name}" for name, count in offences.items()) or "nothing wrong"
        )
        outcome += "".join(f"; {count:,} {name}" for name, count in refusals.items())
        seconds = sum(step["seconds"] for step in found["steps"].values())
        facts = found["facts"]
        return [
            title(found),
            facts["date"],
            facts["commit"],
            number(seconds / 60, 1),
            facts["used by others at the start"],
            outcome,
        ]

    return rows(["run", "date", "commit", "minutes", "machine used by others", ""], map(row, runs))


def facts(found):
    lines = [f"{name}: {value}" for name, value in found["facts"].items()]
    lines += [f"settings: `{found['settings']}`", f"payload: {found['payload_bytes']} bytes"]
    lines += found["room"] + ([f"**ended early: {found['failure']}**"] if found["failure"] else [])
    return [f"- {text}" for text in lines]


def memory(found):
    steps = {name: step for name, step in found["steps"].items() if "per_second" in step}
    kinds = [("nodes_all_in", "nodes, all in"), ("nodes", "above empty nodes"), ("kernel", "kernel")]
    kinds += [("redis_used", "Redis"), ("crowds", "crowds"), ("machine", "machine, less free")]

    def row(name, step):
        cells = [number(step["bytes_per_client"][kind]) for kind, _ in kinds]
        costs = [number(step[f"{part}_microseconds_per_client"], 1) for part in ["nodes", "crowds", "redis"]]
        return [name, number(step["per_second"])] + cells + costs

    heads = ["bytes per client after", "clients/s"] + [head for _, head in kinds]
    heads += ["µs of a client: nodes", "crowds", "Redis"]
    return rows(heads, [row(name, step) for name, step in steps.items()])


def costs(found):
    heads = ["publishing", "publications", "node µs per delivery", "own", "crowds' own", "Redis µs per publication"]
    heads += ["and node", "node cores", "Redis cores", "others' cores"]

    def row(name, step):
        values = [step["nodes_microseconds_per_delivery"], step["nodes_own_microseconds_per_delivery"]]
        values += [step["crowds_own_microseconds_per_delivery"], step["redis_microseconds_per_publication"]]
        values += [step["redis_microseconds_per_publication_and_node"], step["nodes_cores"], step["redis_cores"]]
        return [name, number(step["publications"])] + [number(value, 2) for value in values + [step["others_cores"]]]

    return rows(heads, [row(name, found["steps"][name]) for name in PUBLISHING if name in found["steps"]])


def latencies(found):
    heads = [
        "ms until",
        "the last has it",
        "p99 of publications",
        "max",
        "a client has it: p50",
        "p90",
        "p99",
        "p99.9",
        "max",
    ]

    def row(name, step):
        lasts = [step.get(key) for key in ["last_milliseconds", "last_milliseconds_p99", "last_milliseconds_max"]]
        if step.get("last_milliseconds_each"):
            lasts[2] = max(step["last_milliseconds_each"])
        values = lasts + [step.get(key) for key in ["p50", "p90", "p99", "p999", "max"]]
        return [name] + [number(value, 1) for value in values]

    names = PUBLISHING[:3] + ["quiet", "kill", "roll"] + PUBLISHING[3:]
    return rows(heads, [row(name, found["steps"][name]) for name in names if name in found["steps"]])


def harm(found):
    heads = ["harm", "clients", "connections broken", "told to go", "connects refused", "s away: p50", "p99", "max"]
    heads += ["their deliveries' p99 ms", "s in all"]

    def row(name, step):
        counts = [step["returned"], step["broken"], step["dismissed"], step["unconnected"] + step["refused"]]
        absence = [step["absence"][key] / 1e3 if step["absence"][key] else None for key in ["p50", "p99", "max"]]
        late = step["delivery_after_loss"]["p99"]
        cells = [number(value) for value in counts] + [number(value, 2) for value in absence]
        return [name] + cells + [number(late, 1), number(step["seconds"], 1)]

    return rows(heads, [row(name, found["steps"][name]) for name in ["kill", "roll"] if name in found["steps"]])


def resting(found):
    heads = [
        "nothing to do",
        "s",
        "all nodes, % of a core",
        "a node",
        "Redis",
        "crowds",
        "heartbeats/s",
        "commands/s in Redis",
    ]

    def row(name, step):
        commands = ", ".join(
            f"{name.replace('|', ' ')} {number(rate, 1)}" for name, rate in step["redis_commands_per_second"].items()
        )
        shares = [step["nodes_cores"] * 100, step["nodes_cores"] * 100 / found["nodes"]]
        shares += [step["redis_cores"] * 100, step["crowds_cores"] * 100]
        cells = [number(value, 2) for value in shares] + [number(step["pings_per_second"]), commands]
        return [name, number(step["measured_seconds"])] + cells

    return rows(
        heads, [row(name, found["steps"][name]) for name in ["empty", "rest", "idle"] if name in found["steps"]]
    )
