// What an operator should look at, the worst first: as one line each, with the node it is about.

import { count, duration, milliseconds, plural } from "./format.mjs";

/** A turn of a reactor as long as this is felt by its readers; nodes take nobody new when it is several times as long. */
const LAG_MILLISECONDS = 100;
/** As slow as this a publication is no longer live. */
const LATENCY_MILLISECONDS = 1_000;
const ROUND_TRIP_MILLISECONDS = 50;

/** What grew in the last minute and should not: how bad that is, and what is said of it. */
const COUNTED = [
    ["publishesRefused", "bad", (number) => `could not publish ${count(number)} × for its backplane was away`],
    ["gapsReported", "bad", (number) => `told readers of ${plural(number, "gap")} that could not be filled`],
    ["redisLosses", "warning", (number) => `lost its links to Redis ${count(number)} ×`],
    ["disconnects", "warning", (number) => `sent away ${plural(number, "slow reader")}`],
    ["evictions", "warning", (number) => `closed ${plural(number, "connection")} for the memory they held`],
    ["shed", "warning", (number) => `turned away ${plural(number, "new client")} because it has too much to do`],
    ["refused", "warning", (number) => `refused ${plural(number, "connection")} by a limit`],
    ["skips", "note", (number) => `moved ${plural(number, "slow reader")} on with a gap`],
    ["latests", "note", (number) => `moved ${plural(number, "slow reader")} to the newest publication`],
];

const LEVELS = ["bad", "warning", "note"];

/** `{ level, node, text }` for each, `bad`, `warning` or `note`. */
export function problems(cluster, now) {
    const isCutOff = cluster.isCutOff(now);
    const found = cluster.all.flatMap((node) => ofNode(node, now, isCutOff).map(([level, text]) => ({ level, node: node.name, text })));
    const versions = new Set(cluster.heard(now).map((node) => node.facts.version));
    if (versions.size > 1) found.push({ level: "note", text: `Nodes are of different versions: ${[...versions].sort().join(", ")}` });
    return found.sort((one, other) => LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level));
}

/** The worst there is of a node; nothing where all is well. */
export function levelOf(node, now) {
    const levels = ofNode(node, now).map(([level]) => level);
    return LEVELS.find((level) => levels.includes(level));
}

function ofNode(node, now, isCutOff) {
    const { facts } = node;
    if (node.isSilent(now)) {
        const silence = duration((now - node.heardAt) / 1_000);
        if (isCutOff && !node.isLeaving) return [["warning", `is not heard without Redis, for ${silence}`]];
        return [node.isLeaving ? ["note", `left, ${silence} ago`] : ["bad", `is silent, for ${silence}`]];
    }
    const found = [];
    if (facts.state === "draining") found.push(["note", "lets its clients go"]);
    else if (!facts.gauges.backplaneUp) found.push(["bad", `is without its backplane: ${facts.reason ?? "it does not say why"}`]);
    else if (facts.state !== "ready") found.push(["bad", facts.reason ?? facts.state]);
    if (facts.gauges.hooksLetAlone) found.push(["bad", `lets ${plural(facts.gauges.hooksLetAlone, "backend")} alone that failed too often`]);
    const lag = Math.max(...node.points.lag.slice(-5));
    if (lag >= LAG_MILLISECONDS) found.push(["warning", `is late: a turn of a reactor took ${milliseconds(lag)}`]);
    const latency = node.latency(0.99);
    if (latency >= LATENCY_MILLISECONDS) found.push(["warning", `delivers late: 99 % within ${milliseconds(latency)}`]);
    if (node.roundTrip >= ROUND_TRIP_MILLISECONDS) found.push(["warning", `waits for Redis: ${milliseconds(node.roundTrip)} for an answer`]);
    for (const [name, level, text] of COUNTED) {
        const number = node.increase(name);
        if (number > 0) found.push([level, text(number)]);
    }
    return found;
}
