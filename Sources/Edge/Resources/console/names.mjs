// What nodes count, in words. What is not here is shown by its own name: a newer node may count more.

import { bytes, count, milliseconds } from "./format.mjs";

/** Gauges: title, and how a value is told. */
export const GAUGES = {
    subscriptions: ["Subscriptions", count],
    channels: ["Channels it hears", count],
    sessions: ["Sessions it holds", count],
    members: ["Members present", count],
    polls: ["Polls held", count],
    laggards: ["Laggards", count],
    loopLagMicroseconds: ["Longest turn of a reactor", (number) => milliseconds(number / 1_000)],
    residentBytes: ["Memory", bytes],
    logBytes: ["Memory for what is being sent", bytes],
    redisWaitingBytes: ["Waiting for Redis", bytes],
    backplaneUp: ["Backplane", (number) => (number ? "reached" : "away")],
    hooksLetAlone: ["Backends let alone", count],
    reactors: ["Reactors", count],
};

/** Counters: title, and how one is told; nothing for those that mean something only beside another. */
export const COUNTERS = {
    publishes: ["Publishes asked for", count],
    publishesRefused: ["Publishes refused, the backplane was away", count],
    publications: ["Publications heard", count],
    deliveries: ["Deliveries", count],
    sentBytes: ["Sent", bytes],
    receivedBytes: ["Received", bytes],
    requests: ["Requests", count],
    rejections: ["Requests refused for what they were", count],
    forbidden: ["Wanted, and not allowed", count],
    accepted: ["Connections accepted", count],
    refused: ["Connections refused by a limit", count],
    shed: ["New clients turned away", count],
    timeouts: ["Closed because a time ran out", count],
    evictions: ["Closed for the memory they held", count],
    disconnects: ["Slow readers sent away", count],
    skips: ["Slow readers moved on with a gap", count],
    latests: ["Slow readers moved to the newest", count],
    gapsFound: ["Gaps found", count],
    gapsFilled: ["Gaps filled from history", count],
    gapsReported: ["Gaps told to readers", count],
    redisLosses: ["Links to Redis lost", count],
    redisRoundTrips: ["Answers of Redis", count],
    redisRoundTripMicroseconds: undefined,
    turnMicroseconds: undefined,
};

/** `[name, title, format, number]` of numbers by name, in the order of those above. */
export function named(numbers, names) {
    const known = Object.keys(names).filter((name) => name in numbers && names[name]);
    const others = Object.keys(numbers).filter((name) => !(name in names)).sort();
    return [...known, ...others].map((name) => [name, ...(names[name] ?? [name, count]), numbers[name]]);
}
