// The console: follows what the nodes say of themselves, and shows one view of it at a time.

import { Perseid } from "/perseid.mjs";
import { channelPage } from "./channel.mjs";
import { channelsPage } from "./channels.mjs";
import { clientPage } from "./client.mjs";
import { clientsPage, KINDS } from "./clients.mjs";
import { say } from "./dom.mjs";
import { Cluster } from "./facts.mjs";
import { nodePage } from "./node.mjs";
import { overview } from "./overview.mjs";

/** In which a key is kept: in this tab alone, and for as long as that is open. */
const KEY = "perseid.console.key";
/** Those whose request has fields, for a key is shown in one. */
const TRANSPORTS = ["eventStream", "jsonStream", "longPoll"];
const TICK_MILLISECONDS = 1_000;

const place = (id) => document.getElementById(id);
const main = place("main");
const keyDialog = place("key-dialog");
const cluster = new Cluster();
let connection;
let view;

// MARK: Key

const key = () => sessionStorage.getItem(KEY) ?? undefined;

function askForKey(reason) {
    say(place("key-reason"), reason);
    place("key-field").value = "";
    if (!keyDialog.open) keyDialog.showModal();
}

function use(text) {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
    keyDialog.close();
    connect();
    show();
}

// MARK: Nodes

/** A client of its own for each thing that is followed, so that one that begins does not interrupt another. */
function client() { return new Perseid(location.origin, { token: key(), transports: TRANSPORTS, session: false }); }

function connect() {
    connection?.close();
    const perseid = (connection = client());
    perseid.addEventListener("state", ({ state, node, error }) => {
        if (perseid === connection && !error) tellLink(state, node);
    });
    perseid.subscribe("$nodes", {
        onMessage: ({ data }) => {
            const isFirst = !cluster.nodes.has(data?.node);
            cluster.take(data, performance.now());
            if (isFirst) draw();
        },
        onError: (error) => { if (perseid === connection) lose(error); },
    });
}

/** It is over, until somebody does something about it. */
function lose({ code, message }) {
    if (code !== 401 && code !== 403) return tellLink("over", message);
    tellLink("closed");
    askForKey(key() ? "This key is not taken here, or has not the scope admin." : "");
}

const LINK_TEXTS = { connecting: "connecting …", waiting: "lost, trying again …", closed: "not connected" };

function tellLink(state, detail) {
    const link = place("link");
    link.dataset.state = state;
    place("again").hidden = state !== "over";
    say(link, state === "open" ? `live, by ${detail ?? "a node"}` : state === "over" ? `cut off: ${detail}` : LINK_TEXTS[state] ?? state);
}

/** Asks the node; throws an error with what it says. */
async function api(path, { headers = {}, ...options } = {}) {
    const shown = key() ? { Authorization: `Bearer ${key()}` } : {};
    const answer = await fetch(path, { cache: "no-store", ...options, headers: { ...headers, ...shown } }).catch(() => {
        throw new Error("The node does not answer.");
    });
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    if (answer.status === 401) askForKey(key() ? "This key is not taken here." : "");
    throw Object.assign(new Error(body.error?.message ?? `The node answers ${answer.status}.`), { code: answer.status });
}

/** Follows a channel by a connection of its own; what is returned ends that. */
function follow(channel, handlers) {
    const perseid = client();
    perseid.subscribe(channel, handlers);
    return () => perseid.close();
}

// MARK: Views

/** Asks before something that cannot be undone. */
function ask(title, text, yes) {
    const dialog = place("question");
    say(place("question-title"), title);
    say(place("question-text"), text);
    say(place("question-yes"), yes);
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true }));
}

const context = { cluster, api, ask, follow, go: (address) => (location.hash = address) };

/** The view that the address names. */
function chosen() {
    const [section, ...names] = location.hash.replace(/^#?\/?/, "").split("/").map((part) => {
        try { return decodeURIComponent(part); } catch { return part; }
    });
    if (section === "nodes" && names[0]) return ["overview", nodePage(context, names[0])];
    if (section === "channels") return ["channels", names[0] ? channelPage(context, names[0]) : channelsPage(context)];
    if (section !== "clients") return ["overview", overview(context)];
    const isKnown = KINDS.some(([kind]) => kind === names[0]) && names[1];
    return ["clients", isKnown ? clientPage(context, ...names) : clientsPage(context)];
}

function show() {
    view?.close?.();
    let section;
    [section, view] = chosen();
    document.title = `${view.title} – Perseid console`;
    for (const link of document.querySelectorAll("nav a")) {
        if (link.dataset.section === section) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    }
    main.replaceChildren(view.element);
    draw();
}

function draw() { view.update?.(performance.now()); }

addEventListener("hashchange", () => {
    show();
    // As a browser does with a new page: who cannot see it is told where they are.
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
});

setInterval(() => {
    cluster.tick(performance.now());
    if (!document.hidden) draw();
}, TICK_MILLISECONDS);

place("again").addEventListener("click", connect);
place("key").addEventListener("click", () => askForKey(""));
place("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    use(place("key-field").value.trim());
});
place("key-forget").addEventListener("click", () => use(""));

connect();
show();
