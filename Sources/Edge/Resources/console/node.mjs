// One node: what it says of itself, all of it.

import { Bars } from "./bars.mjs";
import { element, fillLink, LiveTable, say, section } from "./dom.mjs";
import { duration, percent, rate, within } from "./format.mjs";
import { COUNTERS, GAUGES, named } from "./names.mjs";
import { Tiles } from "./tiles.mjs";

export function nodePage({ cluster }, name) {
    const state = element("p", { class: "lead" });
    const tiles = new Tiles();
    const transports = new Bars("Connections by transport", "Nobody is connected.");
    const gauges = new LiveTable("Now", FACT_COLUMNS, ([title]) => title, "");
    const counters = new LiveTable("Since it was started", COUNTER_COLUMNS, ({ name }) => name, "");
    const busiest = new LiveTable("Busiest channels", CHANNEL_COLUMNS, ({ channel }) => channel, "Nothing that somebody reads was published in the last second.");
    const all = element("div", {},
        tiles.element,
        element("div", { class: "columns" },
            element("div", {}, section("Now", gauges.element), section("Connections by transport", transports.element)),
            element("div", {}, section("Busiest channels", busiest.element), section("Since it was started", counters.element))));

    function update(now) {
        const node = cluster.nodes.get(name);
        all.hidden = !node;
        if (!node) return say(state, "It has not said anything since this page was opened.");
        const { facts } = node;
        const silence = node.isSilent(now) && `silent for ${duration((now - node.heardAt) / 1_000)}; what follows is what it said last`;
        say(state, `Version ${facts.version}, up ${duration(facts.uptimeSeconds)}, ${silence || (facts.reason ?? facts.state)}.`);
        tiles.update(node.points, node.isEmbedded);
        transports.update(Object.entries(facts.connections));
        gauges.update([
            ["Delivery, half of it", within(node.latency(0.5))],
            ["Delivery, 99 %", within(node.latency(0.99))],
            ["Busy, of its reactors' time", percent(node.busy)],
            ...named(facts.gauges, GAUGES).map(([, title, format, number]) => [title, format(number)]),
        ]);
        counters.update(named(facts.counters, COUNTERS).map(([name, title, format, number]) => {
            const speed = node.rate(name, 10);
            return { name, title, text: format(number), speed: format.name === "bytes" && speed !== undefined ? `${format(speed)}/s` : rate(speed), isNone: number === 0 };
        }));
        busiest.update(facts.busiest);
    }

    return {
        title: `Node ${name}`,
        element: element("div", { class: "view" }, element("h1", { tabindex: "-1" }, `Node ${name}`), state, all),
        update,
    };
}

const FACT_COLUMNS = [
    { title: "What", fill: (cell, [title]) => say(cell, title) },
    { title: "How much", isNumber: true, fill: (cell, [, text]) => say(cell, text) },
];

const COUNTER_COLUMNS = [
    {
        title: "What",
        fill: (cell, { title, isNone }) => {
            say(cell, title);
            cell.parentElement.classList.toggle("none", isNone);
        },
    },
    { title: "All", isNumber: true, fill: (cell, { text }) => say(cell, text) },
    { title: "Now", isNumber: true, fill: (cell, { speed }) => say(cell, speed) },
];

const CHANNEL_COLUMNS = [
    { title: "Channel", isLong: true, fill: (cell, { channel }) => fillLink(cell, channel, `#/channels/${encodeURIComponent(channel)}`) },
    { title: "Publications", isNumber: true, fill: (cell, { publications }) => say(cell, rate(publications)) },
    { title: "Deliveries", isNumber: true, fill: (cell, { deliveries }) => say(cell, rate(deliveries)) },
];
