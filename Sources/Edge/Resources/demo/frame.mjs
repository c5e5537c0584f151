// What all demos have around them: a header that shows what becomes of the connection, and lets one disturb it. What a demo does
// stands in its page.
import { Sky } from "/demo/sky.mjs";

const demos = {
    "/demo": "Host", "/demo/chat": "Chat", "/demo/note": "Note", "/demo/ticker": "Ticker", "/demo/assistant": "Assistant",
};
const transports = {
    webSocket: "WebSocket", eventStream: "Event stream", jsonStream: "JSON stream", longPoll: "Long poll",
};
const states = { connecting: "Connecting", open: "Live", waiting: "Waiting to try again", closed: "Closed" };
const cutSeconds = 5;
const cutText = `Cut for ${cutSeconds} s`;

/** Where the choice of a transport is kept while one looks at one demo after the other. */
const transportKey = "perseid demo transport";

export class Frame {
    #connect;
    #client;
    #sky;
    #parts;
    #cutTimer;
    /** Messages since the connection was open again, while they are counted. */
    #caughtUp;
    #wasOpen = false;
    #showPosition = drawer(() => (this.#parts.position.textContent = this.#position));
    #position = "–";

    /**
     * `connect(options)` returns a client with its subscriptions, each `since` where the page is. It is called at once, and again for
     * another transport.
     */
    constructor(connect) {
        this.#connect = connect;
        this.#build();
        this.#begin();
    }

    /** Whether the connection is cut, by the button. */
    get isCut() {
        return Boolean(this.#cutTimer);
    }

    /** A message has come. */
    saw({ position }) {
        this.#sky.meteor();
        if (this.#caughtUp !== undefined) this.#caughtUp++;
        if (!position) return;
        this.#position = position;
        this.#showPosition();
    }

    /** Says in plain words why a channel cannot be read or written. */
    refused(channel, { code, message }) {
        const rule = `{channels: "${channel.split("/")[0]}/**", subscribe: anyone, publish: anyone, history: anyone, presence: anyone}`;
        const isForbidden = code === 401 || code === 403;
        this.tell(isForbidden ? `The rules of this cluster keep ${channel} from the page. One that lets it in: ${rule}` : `${channel}: ${message}`);
    }

    /** Something that has to be read, above the page, until something else is told, or nothing. */
    tell(text) {
        this.#parts.notice.textContent = text;
        this.#parts.notice.hidden = !text;
    }

    // The connection.

    #begin() {
        const { value } = this.#parts.transport;
        this.#client?.close();
        this.#client = this.#connect(value ? { transports: [value] } : {});
        this.#client.addEventListener("state", (event) => event.target === this.#client && this.#show(event));
    }

    /**
     * Cuts the connection, and has it taken up after a while. To the client it is what a phone does to a page in the background: it is
     * frozen, lets go of its connection, and goes on where it was once it thaws. So what one sees then is what the client does always.
     */
    #cut() {
        const { cut, transport } = this.#parts;
        let seconds = cutSeconds;
        const tick = () => {
            if (seconds) return (cut.textContent = `Back in ${seconds--} s`);
            clearInterval(this.#cutTimer);
            this.#cutTimer = undefined;
            cut.textContent = cutText;
            cut.disabled = transport.disabled = false;
            dispatchEvent(new Event("resume"));
            // Where something else had it taken up before, there is nothing new to be told.
            setTimeout(() => this.#show(this.#client));
        };
        dispatchEvent(new Event("freeze"));
        cut.disabled = transport.disabled = true;
        this.#say("cut", "Cut");
        this.#cutTimer = setInterval(tick, 1000);
        tick();
    }

    #show({ state, transport, node }) {
        const parts = this.#parts;
        if (this.isCut && state !== "closed") return;
        if (node) parts.node.textContent = node;
        const [automatic] = parts.transport.options;
        automatic.textContent = transport ? `Auto: ${transports[transport]}` : "Automatic";
        if (state === "open" && this.#wasOpen) this.#countCaughtUp();
        this.#wasOpen ||= state === "open";
        this.#say(state, states[state]);
    }

    /** What comes within half a second of the connection is what was missed without it. */
    #countCaughtUp() {
        this.#caughtUp = 0;
        setTimeout(() => {
            const count = this.#caughtUp;
            this.#caughtUp = undefined;
            if (count && this.#parts.state.dataset.state === "open") this.#say("open", `Live, ${count} caught up`);
        }, 500);
    }

    #say(state, text) {
        this.#parts.state.dataset.state = state;
        this.#parts.state.textContent = text;
    }

    // The header.

    #build() {
        const canvas = make("canvas", { ariaHidden: "true" });
        const state = make("p", { className: "state", role: "status" }, "Connecting");
        const node = make("dd", {}, "–");
        const position = make("dd", { className: "position" }, "–");
        const transport = make("select", { ariaLabel: "Transport" }, new Option("Automatic", ""));
        transport.append(...Object.entries(transports).map(([value, text]) => new Option(text, value)));
        transport.value = sessionStorage.getItem(transportKey) ?? "";
        transport.onchange = () => {
            sessionStorage.setItem(transportKey, transport.value);
            this.#begin();
        };
        const cut = make("button", { type: "button", onclick: () => this.#cut() }, cutText);
        const notice = make("p", { className: "notice", role: "alert", hidden: true });
        this.#parts = { state, node, position, transport, cut, notice };

        const header = document.querySelector("header");
        const links = Object.entries(demos).map(([href, name]) => {
            const isHere = location.pathname.replace(/\/$/, "") === href;
            return make("a", { href, ...(isHere && { ariaCurrent: "page" }) }, name);
        });
        const fact = (name, value) => make("div", {}, make("dt", {}, name), value);
        const facts = [fact("Node", node), fact("Transport", make("dd", {}, transport)), fact("Position", position)];
        const bar = [make("a", { className: "brand", href: "/demo" }, "Perseid"), make("nav", { ariaLabel: "Demos" }, ...links), state];
        header.prepend(canvas, make("div", { className: "bar" }, ...bar));
        header.querySelector(".about").append(make("dl", { className: "facts" }, ...facts, fact("\u00a0", make("dd", {}, cut))));
        header.after(notice);
        this.#sky = new Sky(canvas);
    }
}

/** Makes an element. What comes from the network goes in as text, never as HTML: `append` takes a text for a text. */
export function make(name, properties, ...children) {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
}

/**
 * Returns a function that has `draw` called with the next picture of the screen, once, however often it is called until then: so a
 * flood of messages costs a page no more than a picture each. One in the background draws once it is looked at.
 */
export function drawer(draw) {
    let isDue = false;
    return () => {
        if (isDue) return;
        isDue = true;
        requestAnimationFrame(() => {
            isDue = false;
            draw();
        });
    };
}

/** When something was published: a position begins with the milliseconds of the cluster's clock. */
export function timeOf(position) {
    return new Date(parseInt(position));
}
