// One client, or all of a user or an address: where they are, what they read and how far they are, and a button that cuts them off.

import { addressOfClient, KINDS } from "./clients.mjs";
import { element, fillLink, LiveTable, say, section } from "./dom.mjs";
import { plural } from "./format.mjs";

export function clientPage({ api, ask }, kind, name) {
    const path = `/${kind}/${encodeURIComponent(name)}`;
    const title = `${KINDS.find(([value]) => value === kind)?.[1] ?? "Client"} ${name}`;
    const lead = element("p", { class: "lead", role: "status" });
    const connections = new LiveTable("Connections", CONNECTION_COLUMNS, (each) => each.place, "There are none now.");
    const positions = new LiveTable("Channels of the session", POSITION_COLUMNS, ({ channel }) => channel, "It reads none.");
    connections.element.hidden = true;
    const positionSection = section("Channels of the session", positions.element);
    positionSection.hidden = true;
    const buttons = [
        element("button", { type: "button", class: "danger", onclick: () => cut(false) }, "Cut off"),
        element("button", { type: "button", class: "quiet", onclick: () => cut(true) }, "Have it reconnect"),
        element("button", { type: "button", class: "quiet", onclick: () => load() }, "Look again"),
    ];

    async function load(said = "") {
        try {
            const { connections: list, channels, node, complete } = await api(path);
            const whole = complete ? "" : " Not all nodes have answered.";
            const where = kind === "sessions" && !list.length ? (node ? ` Node ${node} holds it.` : " Its client is away.") : "";
            say(lead, `${said}${plural(list.length, "connection")}.${where}${whole}`);
            connections.element.hidden = false;
            connections.update(list.map((each, place) => ({ ...each, place })));
            positionSection.hidden = !channels;
            if (channels) positions.update(channels);
        } catch (error) {
            connections.element.hidden = positionSection.hidden = true;
            say(lead, said + (error.code === 404 ? "There is no such session." : error.message));
        }
    }

    async function cut(mayReturn) {
        const question = mayReturn
            ? [`Have ${title} reconnect?`, "Its connections end, and come back by themselves: to another node, where there is one.", "Have it reconnect"]
            : [`Cut off ${title}?`, "Its connections end, its session is over, and it is told not to come back.", "Cut off"];
        if (!(await ask(...question))) return;
        try {
            const { disconnected, complete } = await api(`${path}/disconnect`, { method: "POST", body: JSON.stringify({ reconnect: mayReturn }) });
            await load(`${plural(disconnected, "connection")} ${disconnected === 1 ? "was" : "were"} ended${complete ? "" : ", as far as is known"}. Now: `);
        } catch (error) {
            say(lead, error.message);
        }
    }

    load();
    return {
        title,
        element: element("div", { class: "view" },
            element("h1", { tabindex: "-1", class: "name" }, title), lead,
            element("div", { class: "actions" }, ...buttons),
            section("Connections", connections.element), positionSection),
    };
}

const linked = (kind) => (cell, each) => (each[kind[0]] ? fillLink(cell, each[kind[0]], addressOfClient(kind[1], each[kind[0]])) : say(cell, "–"));

const CONNECTION_COLUMNS = [
    { title: "Transport", fill: (cell, { transport }) => say(cell, transport) },
    { title: "Node", fill: (cell, { node }) => fillLink(cell, node, `#/nodes/${encodeURIComponent(node)}`) },
    { title: "Address", fill: linked(["address", "addresses"]) },
    { title: "User", fill: linked(["user", "users"]) },
    { title: "Session", isLong: true, fill: linked(["session", "sessions"]) },
    { title: "Token ends", fill: (cell, { expires }) => say(cell, expires ? new Date(expires * 1_000).toLocaleString("en-GB") : "–") },
    { title: "Reads", isLong: true, fill: (cell, { channels }) => say(cell, channels.join(", ")) },
];

const POSITION_COLUMNS = [
    { title: "Channel", isLong: true, fill: (cell, { channel }) => fillLink(cell, channel, `#/channels/${encodeURIComponent(channel)}`) },
    { title: "Position", isNumber: true, fill: (cell, { position }) => say(cell, position ?? "the newest") },
];
