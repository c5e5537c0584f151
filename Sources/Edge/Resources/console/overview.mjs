// All nodes at a glance: what is wrong and where, what goes on, and where most of it.

import { Bars } from "./bars.mjs";
import { arrange, element, fillLink, LiveTable, say, section } from "./dom.mjs";
import { bytes, count, duration, milliseconds, percent, plural, rate, UNKNOWN, within } from "./format.mjs";
import { levelOf, problems } from "./problems.mjs";
import { Tiles } from "./tiles.mjs";

/** More at once are no help. */
const PROBLEMS_MAX = 8;

const NAMES_OF_LEVELS = { bad: "Trouble", warning: "Warning", note: "Note" };

export function overview({ cluster }) {
    const verdict = element("div", { class: "verdict" });
    const headline = element("h1", { tabindex: "-1" });
    const list = element("ul", { class: "problems" });
    verdict.append(headline, list);
    const announcement = element("p", { class: "unseen", role: "status" });
    const tiles = new Tiles();
    const nodes = new LiveTable("Nodes", NODE_COLUMNS, ({ node }) => node.name, "No node has said anything yet.");
    const busiest = new LiveTable("Busiest channels", CHANNEL_COLUMNS, ({ channel }) => channel, "Nothing that somebody reads was published in the last second.");
    const transports = new Bars("Connections by transport", "Nobody is connected.");
    const minute = new LiveTable("In the last minute", MINUTE_COLUMNS, ({ name }) => name, "");

    function update(now) {
        const all = cluster.all;
        const found = problems(cluster, now);
        const worst = found[0]?.level;
        verdict.dataset.level = all.length ? worst ?? "well" : "unknown";
        const summary = summarize(cluster, found, now);
        say(headline, summary);
        say(announcement, summary);
        arrange(list, found.slice(0, PROBLEMS_MAX).map((problem, place) => fillProblem(list.children[place], problem)));
        tiles.update(cluster.points, all.every((node) => node.isEmbedded));
        nodes.update(all.map((node) => ({ node, now })));
        busiest.update(cluster.busiest(now));
        const connections = {};
        for (const node of cluster.heard(now)) {
            for (const [name, number] of Object.entries(node.facts.connections)) connections[name] = (connections[name] ?? 0) + number;
        }
        transports.update(Object.entries(connections));
        minute.update(MINUTE.map(([name, title]) => ({
            name, title, number: cluster.heard(now).reduce((sum, node) => sum + node.increase(name), 0),
        })));
    }

    return {
        title: "Overview",
        element: element("div", { class: "view" },
            verdict, announcement, tiles.element,
            section("Nodes", nodes.element),
            element("div", { class: "columns" },
                section("Busiest channels", busiest.element),
                element("div", {},
                    section("Connections by transport", transports.element),
                    section("In the last minute", minute.element)))),
        update,
    };
}

function summarize(cluster, found, now) {
    const nodes = cluster.heard(now).length;
    if (!cluster.nodes.size) return "Waiting for the nodes";
    const grave = found.filter(({ level }) => level !== "note").length;
    if (grave) return `${plural(grave, "thing")} to look at`;
    return `All is well on ${plural(nodes, "node")}`;
}

function fillProblem(place, { level, node, text }) {
    const item = place ?? element("li", {}, element("strong"), " ", element("a"), " ", element("span"));
    const [name, link, words] = [item.children[0], item.children[1], item.children[2]];
    item.dataset.level = level;
    say(name, NAMES_OF_LEVELS[level]);
    link.hidden = !node;
    if (node) {
        link.setAttribute("href", addressOf(node));
        say(link, node);
    } else link.removeAttribute("href");
    say(words, text);
    return item;
}

const addressOf = (node) => `#/nodes/${encodeURIComponent(node)}`;

/** Of a node that is silent nothing is told that may not be so any more. */
const live = (format) => (cell, { node, now }) => say(cell, node.isSilent(now) ? UNKNOWN : format(node));

const NODE_COLUMNS = [
    {
        title: "Node",
        isLong: true,
        fill: (cell, { node, now }) => {
            fillLink(cell, node.name, addressOf(node.name));
            // With a space between them, for who hears the two.
            if (!cell.querySelector(".badge")) cell.append(" ", element("span", { class: "badge" }));
            const badge = cell.querySelector(".badge");
            const level = levelOf(node, now);
            badge.dataset.level = level ?? "well";
            say(badge, node.isSilent(now) ? (node.isLeaving ? "left" : "silent") : node.facts.state === "ready" ? (level ? "look" : "well") : node.facts.state);
        },
    },
    { title: "Version", fill: (cell, { node }) => say(cell, node.facts.version) },
    { title: "Up", isNumber: true, fill: live((node) => duration(node.facts.uptimeSeconds)) },
    { title: "Connections", isNumber: true, fill: live((node) => count(node.connections)) },
    { title: "Publications", isNumber: true, fill: live((node) => rate(node.rate("publications"))) },
    { title: "Deliveries", isNumber: true, fill: live((node) => rate(node.rate("deliveries"))) },
    { title: "Delivery, 99 %", isNumber: true, fill: live((node) => within(node.latency(0.99))) },
    { title: "Longest turn", isNumber: true, fill: live((node) => milliseconds(node.lag)) },
    { title: "Busy", isNumber: true, fill: live((node) => percent(node.busy)) },
    { title: "Laggards", isNumber: true, fill: live((node) => count(node.facts.gauges.laggards)) },
    { title: "Redis", isNumber: true, fill: live((node) => (node.isEmbedded ? "none" : node.facts.gauges.backplaneUp ? milliseconds(node.roundTrip) : "away")) },
    { title: "Memory", isNumber: true, fill: live((node) => bytes(node.facts.gauges.residentBytes)) },
];

const CHANNEL_COLUMNS = [
    { title: "Channel", isLong: true, fill: (cell, { channel }) => fillLink(cell, channel, `#/channels/${encodeURIComponent(channel)}`) },
    { title: "Publications", isNumber: true, fill: (cell, { publications }) => say(cell, rate(publications)) },
    { title: "Deliveries", isNumber: true, fill: (cell, { deliveries }) => say(cell, rate(deliveries)) },
];

/** Counters that are rare while all is well. */
const MINUTE = [
    ["accepted", "Connections accepted"],
    ["refused", "Connections refused by a limit"],
    ["timeouts", "Closed because a time ran out"],
    ["disconnects", "Slow readers sent away"],
    ["skips", "Slow readers moved on with a gap"],
    ["latests", "Slow readers moved to the newest"],
    ["gapsFound", "Gaps found"],
    ["gapsFilled", "Gaps filled from history"],
    ["gapsReported", "Gaps told to readers"],
    ["forbidden", "Wanted, and not allowed"],
];

const MINUTE_COLUMNS = [
    {
        title: "What",
        fill: (cell, { title, number }) => {
            say(cell, title);
            cell.parentElement.classList.toggle("none", number === 0);
        },
    },
    { title: "Times", isNumber: true, fill: (cell, { number }) => say(cell, count(number)) },
];
