// What nodes say of themselves, kept for two minutes, and what follows from it. Nothing here draws anything.

/** A node speaks once a second: after three that it misses, something is wrong with it. */
export const SILENT_MILLISECONDS = 3_500;
/** Seconds that rates of rare events and the times of deliveries are told of. */
export const RECENT_SECONDS = 60;
const LATENCY_SECONDS = 10;
/** Points of a chart, one a second. */
export const POINTS_MAX = 120;
/** More nodes than this are not shown: whoever may publish there could name any number of them. */
const NODES_MAX = 256;
/** A node that went away is shown for so long. */
const GONE_MILLISECONDS = 600_000;

/** One node: its newest facts and those before. Times of arrival are of this page's clock; those between two facts of the node's. */
export class NodeHistory {
    samples = [];
    points = { deliveries: [], publications: [], connections: [], latency: [], lag: [], roundTrip: [] };
    heardAt;

    constructor(name) {
        this.name = name;
    }

    take(facts, now) {
        // A node that was started anew counts from 0.
        if (facts.uptimeSeconds < (this.facts?.uptimeSeconds ?? 0)) this.samples = [];
        this.heardAt = now;
        this.samples.push(facts);
        if (this.samples.length > POINTS_MAX) this.samples.shift();
        const values = {
            deliveries: this.rate("deliveries"), publications: this.rate("publications"), connections: this.connections,
            latency: this.latency(0.99), lag: this.lag, roundTrip: this.roundTrip,
        };
        for (const [name, value] of Object.entries(values)) push(this.points[name], value);
    }

    get facts() { return this.samples.at(-1); }
    get connections() { return Object.values(this.facts.connections).reduce((sum, number) => sum + number, 0); }
    get lag() { return this.facts.gauges.loopLagMicroseconds / 1_000; }
    get isEmbedded() { return this.facts.backplane === "memory"; }
    get isLeaving() { return this.facts.state === "draining"; }

    isSilent(now) { return now - this.heardAt > SILENT_MILLISECONDS; }

    /** The facts of so many seconds ago, or the oldest there are; nothing where there is no second of them. */
    #before(seconds) {
        const end = this.facts.time - seconds * 1_000 + 500;
        return this.samples.findLast((each) => each.time <= end) ?? (this.samples.length > 1 ? this.samples[0] : undefined);
    }

    /** By how much a counter grew. */
    increase(name, seconds = RECENT_SECONDS) {
        const before = this.#before(seconds);
        return before ? Math.max(0, (this.facts.counters[name] ?? 0) - (before.counters[name] ?? 0)) : 0;
    }

    /** How fast it grows, a second. */
    rate(name, seconds = 1) {
        const before = this.#before(seconds);
        const passed = before && (this.facts.time - before.time) / 1_000;
        return passed > 0 ? this.increase(name, seconds) / passed : undefined;
    }

    /** The bound that such a share of publications of the last seconds was delivered within, in milliseconds. */
    latency(share) {
        const before = this.#before(LATENCY_SECONDS);
        const { bounds, counts } = this.facts.fanoutMilliseconds;
        return quantile(bounds, counts.map((number, place) => number - (before?.fanoutMilliseconds.counts[place] ?? 0)), share);
    }

    /** The share of their time in the last seconds that its reactors were not waiting for anything. */
    get busy() {
        const speed = this.rate("turnMicroseconds", LATENCY_SECONDS);
        return speed === undefined ? undefined : speed / 1e6 / Math.max(this.facts.gauges.reactors, 1);
    }

    /** Mean time Redis took to answer in the last seconds, in milliseconds. */
    get roundTrip() {
        const answers = this.increase("redisRoundTrips", LATENCY_SECONDS);
        return answers ? this.increase("redisRoundTripMicroseconds", LATENCY_SECONDS) / answers / 1_000 : undefined;
    }
}

/** The upper bound that a share of all that was counted lies within; nothing where nothing was. */
export function quantile(bounds, counts, share) {
    const total = counts.reduce((sum, number) => sum + number, 0);
    if (total <= 0) return undefined;
    let left = share * total;
    const place = counts.findIndex((number) => (left -= number) <= 0);
    return bounds[place] ?? Infinity;
}

/** All nodes. */
export class Cluster {
    nodes = new Map();
    /** One point a second of all nodes together. */
    points = { connections: [], deliveries: [], publications: [], latency: [], lag: [], roundTrip: [] };

    /** Takes what one says; what is no facts is passed over. */
    take(facts, now) {
        if (!isFacts(facts)) return;
        if (!this.nodes.has(facts.node) && this.nodes.size >= NODES_MAX) return;
        const node = this.nodes.get(facts.node) ?? new NodeHistory(facts.node);
        this.nodes.set(facts.node, node);
        node.take(facts, now);
    }

    /** A second is over. */
    tick(now) {
        for (const [name, node] of this.nodes) if (now - node.heardAt > GONE_MILLISECONDS) this.nodes.delete(name);
        if (this.nodes.size) for (const [name, value] of Object.entries(this.totals(now))) push(this.points[name], value);
    }

    get all() { return [...this.nodes.values()].sort((one, other) => one.name.localeCompare(other.name, "en", { numeric: true })); }

    /** Whether nodes that are silent may well live: they are heard by way of Redis, which a node that speaks does not reach. */
    isCutOff(now) { return this.heard(now).some(({ isEmbedded, facts }) => !isEmbedded && !facts.gauges.backplaneUp); }

    /** Those that speak. */
    heard(now) { return this.all.filter((node) => !node.isSilent(now)); }

    /** Sums of what adds up; of times, the worst node's. */
    totals(now) {
        const nodes = this.heard(now);
        const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
        const worst = (values) => {
            const known = values.filter((value) => value !== undefined);
            return known.length ? Math.max(...known) : undefined;
        };
        return {
            connections: sum(nodes.map((node) => node.connections)),
            deliveries: sum(nodes.map((node) => node.rate("deliveries"))),
            // Each node hears what its readers read: the most of them is what there is at least.
            publications: worst(nodes.map((node) => node.rate("publications"))),
            latency: worst(nodes.map((node) => node.latency(0.99))),
            lag: worst(nodes.map((node) => node.lag)),
            roundTrip: worst(nodes.map((node) => node.roundTrip)),
        };
    }

    /** The busiest channels of all nodes; publications as of the node that hears most of them. */
    busiest(now, countMax = 20) {
        const sums = new Map();
        for (const { channel, publications, deliveries } of this.heard(now).flatMap((node) => node.facts.busiest)) {
            const sum = sums.get(channel) ?? { channel, publications: 0, deliveries: 0 };
            sums.set(channel, { channel, publications: Math.max(sum.publications, publications), deliveries: sum.deliveries + deliveries });
        }
        return [...sums.values()].sort((one, other) => other.deliveries - one.deliveries || other.publications - one.publications)
            .slice(0, countMax);
    }
}

function push(points, value) {
    points.push(value);
    if (points.length > POINTS_MAX) points.shift();
}

/** Whether something that was published there has all that is read here: it may be of another version, or of nobody's. */
function isFacts(facts) {
    const isNumbers = (value) => typeof value === "object" && value && Object.values(value).every(Number.isFinite);
    return typeof facts?.node === "string" && facts.node.length <= 255 && typeof facts.version === "string"
        && [facts.time, facts.uptimeSeconds].every(Number.isFinite) && typeof facts.state === "string"
        && [facts.connections, facts.gauges, facts.counters].every(isNumbers)
        && [facts.fanoutMilliseconds?.bounds, facts.fanoutMilliseconds?.counts].every((list) => Array.isArray(list) && isNumbers(list))
        && Array.isArray(facts.busiest) && facts.busiest.every((each) =>
            typeof each?.channel === "string" && Number.isFinite(each.publications) && Number.isFinite(each.deliveries));
}
