// Clients: found by session, user or address, and the sessions there are, by pages.

import { element, fillLink, LiveTable, say, section } from "./dom.mjs";

const PAGE_COUNT = 50;

/** What one is found by: as an address of this page and of the node, and as people call it. */
export const KINDS = [["users", "User"], ["sessions", "Session"], ["addresses", "Address"]];

export const addressOfClient = (kind, name) => `#/clients/${kind}/${encodeURIComponent(name)}`;

export function clientsPage({ api, go }) {
    const kind = element("select", { id: "client-kind" }, ...KINDS.map(([value, title]) => element("option", { value }, title)));
    const field = element("input", { id: "client-name", type: "search", required: true, autocomplete: "off", spellcheck: "false", autocapitalize: "none" });
    const hint = element("p", { class: "hint", role: "status" });
    const table = new LiveTable("Sessions", COLUMNS, ({ session }) => session, "There are none.");
    table.element.hidden = true;
    const more = element("button", { type: "button", class: "quiet", hidden: true, onclick: () => load(next) }, "Show more");
    let found = [];
    let next = "";

    async function load(after) {
        try {
            const page = await api(`/sessions?${new URLSearchParams({ limit: PAGE_COUNT, ...(after && { after }) })}`);
            const known = new Set(found.map(({ session }) => session));
            found = [...found, ...page.sessions.filter(({ session }) => !known.has(session))];
            next = page.next;
            table.element.hidden = false;
            table.update(found);
            more.hidden = !next;
        } catch (error) {
            say(hint, error.message);
        }
    }

    function find(event) {
        event.preventDefault();
        // Of a token only its first part names the session; the other is a secret.
        const name = kind.value === "sessions" ? field.value.trim().split(".")[0] : field.value.trim();
        if (name) go(addressOfClient(kind.value, name));
    }

    load();
    return {
        title: "Clients",
        element: element("div", { class: "view" },
            element("h1", { tabindex: "-1" }, "Clients"),
            element("form", { class: "search", onsubmit: find },
                element("label", { for: "client-name" }, "A user's name, a session's, or an address"),
                element("label", { for: "client-kind", class: "unseen" }, "Find by"), kind, field,
                element("button", { type: "submit" }, "Find")),
            hint,
            section("Sessions", table.element, more)),
    };
}

const COLUMNS = [
    { title: "Session", isLong: true, fill: (cell, { session }) => fillLink(cell, session, addressOfClient("sessions", session)) },
    { title: "Node", fill: (cell, { node }) => say(cell, node ?? "none: its client is away") },
];
