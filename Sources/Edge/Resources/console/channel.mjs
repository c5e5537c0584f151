// One channel: who is there, what was published, what is being published, and a form that does.

import { element, LiveTable, say, section } from "./dom.mjs";
import { count, plural, timeOf } from "./format.mjs";
import { Tail } from "./tail.mjs";

const HISTORY_COUNT = 50;
const REFRESH_MILLISECONDS = 5_000;

export function channelPage({ api, follow }, name) {
    const path = `/channels/${encodeURIComponent(name)}`;
    const lead = element("p", { class: "lead" });
    const members = new LiveTable("Who is present", MEMBER_COLUMNS, ({ id }) => id, "Nobody is.");
    const presenceHint = element("p", { class: "hint" });
    const tail = new Tail();
    const isPattern = /(^|\/)\*\*?$/.test(name);
    let isOver = false;

    async function refresh() {
        if (isOver) return;
        if (!document.hidden) await Promise.all([describe(), listMembers()]);
        setTimeout(refresh, REFRESH_MILLISECONDS);
    }

    async function describe() {
        try {
            const { subscribers, nodes, position } = await api(path);
            const last = position && position !== "0-0" ? ` Last published at ${timeOf(position)}, ${position}.` : " Nothing is remembered of it.";
            say(lead, `${plural(subscribers, "subscriber")} on ${plural(nodes, "node")}.${last}`);
        } catch (error) {
            say(lead, error.message);
        }
    }

    async function listMembers() {
        try {
            const presence = await api(`${path}/presence`);
            members.element.hidden = false;
            members.update(presence.members);
            const hidden = presence.count - presence.members.length;
            say(presenceHint, hidden > 0 ? `And ${count(hidden)} more.` : "");
        } catch (error) {
            members.element.hidden = true;
            say(presenceHint, error.code === 404 ? "This channel does not tell who is present." : error.message);
        }
    }

    async function remember() {
        try {
            const { publications } = await api(`${path}/history?limit=${HISTORY_COUNT}`);
            tail.begin(publications);
        } catch (error) {
            tail.tell(error.message);
        }
    }

    const stop = follow(name, {
        onMessage: (message) => tail.take(message),
        onGap: ({ from, to }) => tail.note(`Gap: what lay after ${from} up to ${to} is gone.`),
        onError: (error) => tail.tell(error.message),
    });
    if (!isPattern) {
        remember();
        refresh();
    }
    return {
        title: name,
        element: element("div", { class: "view" },
            element("h1", { tabindex: "-1", class: "name" }, name), lead,
            element("div", { class: "columns" },
                section(isPattern ? "Live" : "Live, and what was before", tail.element),
                element("div", {},
                    isPattern ? "" : publishForm(api, path),
                    isPattern ? "" : section("Who is present", presenceHint, members.element)))),
        update: () => tail.draw(),
        close: () => {
            isOver = true;
            stop();
        },
    };
}

function publishForm(api, path) {
    const text = element("textarea", { id: "payload", rows: "4", required: true, spellcheck: "false" });
    const kind = element("select", { id: "payload-kind" }, element("option", { value: "application/json" }, "JSON"), element("option", { value: "text/plain" }, "Text"));
    const outcome = element("p", { class: "hint", role: "status" });
    const button = element("button", { type: "submit" }, "Publish");

    async function publish(event) {
        event.preventDefault();
        button.disabled = true;
        try {
            if (kind.value === "application/json") JSON.parse(text.value);
            const { position } = await api(path, { method: "POST", body: text.value, headers: { "Content-Type": kind.value } });
            say(outcome, `Published at ${position}.`);
        } catch (error) {
            say(outcome, error instanceof SyntaxError ? `Not JSON: ${error.message}` : error.message);
        }
        button.disabled = false;
    }

    return section("Publish",
        element("form", { class: "publish", onsubmit: publish },
            element("label", { for: "payload" }, "What is published"), text,
            element("div", { class: "actions" }, element("label", { for: "payload-kind", class: "unseen" }, "As"), kind, button), outcome));
}

const MEMBER_COLUMNS = [
    { title: "Member", isLong: true, fill: (cell, { id, user }) => say(cell, user ?? id) },
    { title: "Transport", fill: (cell, { transport }) => say(cell, transport) },
    { title: "Node", fill: (cell, { node }) => say(cell, node) },
    { title: "Since", isNumber: true, fill: (cell, { since }) => say(cell, timeOf(`${since}`)) },
];
