// Channels that there are, by pages, and the way to one of them.

import { element, fillLink, LiveTable, say, section } from "./dom.mjs";
import { timeOf } from "./format.mjs";

const PAGE_COUNT = 50;

export function channelsPage({ api, go }) {
    const field = element("input", {
        id: "channel-match", type: "search", placeholder: "room/1 or room/**", autocomplete: "off", spellcheck: "false", autocapitalize: "none",
    });
    const hint = element("p", { class: "hint", role: "status" });
    const table = new LiveTable("Channels", COLUMNS, ({ channel }) => channel, "There are none.");
    table.element.hidden = true;
    const more = element("button", { type: "button", class: "quiet", hidden: true, onclick: () => load(next) }, "Show more");
    let found = [];
    let next = "";
    let asked = 0;

    /** What was asked for before and comes later is not shown. */
    async function load(after) {
        const number = ++asked;
        const query = new URLSearchParams({ limit: PAGE_COUNT, ...(field.value && { match: field.value }), ...(after && { after }) });
        try {
            const page = await api(`/channels?${query}`);
            if (number !== asked) return;
            // A name may be found twice while there are more and more of them.
            const known = new Set(after ? found.map(({ channel }) => channel) : []);
            found = [...(after ? found : []), ...page.channels.filter(({ channel }) => !known.has(channel))];
            next = page.next;
            table.element.hidden = false;
            table.update(found);
            more.hidden = !next;
            say(hint, next ? "There are more." : "");
        } catch (error) {
            if (number === asked) say(hint, error.message);
        }
    }

    const open = () => field.value && go(`#/channels/${encodeURIComponent(field.value)}`);
    const form = element("form", { class: "search", onsubmit: (event) => { event.preventDefault(); load(); } },
        element("label", { for: "channel-match" }, "A channel's name, or a pattern"), field,
        element("button", { type: "submit" }, "Search"),
        element("button", { type: "button", class: "quiet", onclick: open }, "Open by name"));
    load();
    return {
        title: "Channels",
        element: element("div", { class: "view" },
            element("h1", { tabindex: "-1" }, "Channels"), form, hint,
            section("Published to of late", table.element, more)),
    };
}

const COLUMNS = [
    { title: "Channel", isLong: true, fill: (cell, { channel }) => fillLink(cell, channel, `#/channels/${encodeURIComponent(channel)}`) },
    { title: "Last published", isNumber: true, fill: (cell, { position }) => say(cell, timeOf(position)) },
    { title: "Position", isNumber: true, fill: (cell, { position }) => say(cell, position) },
];
