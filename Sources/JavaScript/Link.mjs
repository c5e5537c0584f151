import { PerseidError } from "./PerseidError.mjs";

/** A timer for longer than this is over at once. */
export const timerMillisecondsMax = 2 ** 31 - 1;

/** Milliseconds in which a node answers, or another one is asked. */
const requestMillisecondsMax = 30e3;

/**
 * One way to one node, from when it is tried until it ends: what a transport needs to know, and whom it tells what it hears.
 *
 * `hear` is called with each message and, of a stream, the cursor behind it; with nothing for what is only a sign of life. `send`
 * is there where the transport takes commands.
 */
export class Link {
    #ending = new AbortController();
    #resolve;
    #timers = new Set();

    /** When the node was heard last, in milliseconds; and whether it said at first what it always says. */
    heardMilliseconds = Date.now();
    isOpen = false;
    ended = new Promise((resolve) => (this.#resolve = resolve));

    constructor(facts) {
        Object.assign(this, facts);
    }

    /** Aborted when the link ends. */
    get signal() {
        return this.#ending.signal;
    }

    /** Ends it; `ended` becomes why. The first reason counts. */
    end(reason) {
        this.#resolve({ link: this, ...reason });
        this.#timers.forEach(clearTimeout);
        this.#ending.abort();
    }

    /** Ends it for another one. */
    turn() {
        this.end({ isOwn: true });
    }

    /** Does something later, if the link is still there then. */
    after(milliseconds, act) {
        if (this.signal.aborted) return;
        const timer = setTimeout(() => {
            this.#timers.delete(timer);
            act();
        }, Math.min(milliseconds, timerMillisecondsMax));
        this.#timers.add(timer);
    }

    /** The address of a resource of the node, with what the client wants to read and more. */
    url(path, more = {}) {
        const url = new URL(path, this.address);
        url.search = new URLSearchParams([...this.parameters(), ...Object.entries(more)]);
        return url;
    }

    fetch(path, more) {
        return request(this.url(path, more), this);
    }

    /** Reads the lines of an answer that does not end. */
    async readLines(path, read) {
        const { body } = await this.fetch(path);
        const reader = body.getReader();
        const decoder = new TextDecoder();
        let rest = "";
        for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
            rest = lines.pop();
            lines.forEach(read);
        }
    }
}

/** Asks a node by HTTP. An error without an answer has the code 0: a browser does not tell its page more. */
export async function request(url, { token, credentials, signal = AbortSignal.timeout(requestMillisecondsMax), method, body }) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    let response;
    try {
        response = await fetch(url, { cache: "no-store", credentials, signal, method, body, headers });
    } catch ({ message }) {
        throw new PerseidError({ message });
    }
    if (response.ok) return response;
    const { error } = await response.json().catch(() => ({}));
    // Proxies may say a date, which counts as nothing.
    const retry = response.headers.get("Retry-After") * 1e3 || 0;
    throw new PerseidError({ message: response.statusText, retry, ...error, code: response.status });
}
