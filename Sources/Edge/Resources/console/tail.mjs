// What is published, the newest first: bounded, drawn once a frame, and still while it is paused.

import { element, say } from "./dom.mjs";
import { count, plural, timeOf } from "./format.mjs";

/** Messages that are shown; of one that is longer the beginning is. */
const SHOWN_MAX = 200;
const TEXT_MAX = 2_000;

export class Tail {
    #list = element("ol", { class: "tail", role: "log", "aria-live": "off", "aria-label": "Messages, the newest first", tabindex: "0" });
    #pause = element("button", { type: "button", class: "quiet", "aria-pressed": "false", onclick: () => this.#toggle() }, "Pause");
    #hint = element("p", { class: "hint", role: "status" });
    /** Since it was drawn last, the newest first. */
    #waiting = [];
    #missed = 0;
    #isPaused = false;
    #frame;

    element = element("div", {},
        element("div", { class: "actions" },
            this.#pause,
            element("button", { type: "button", class: "quiet", onclick: () => this.#list.replaceChildren() }, "Clear")),
        this.#hint, this.#list);

    /** What was published before, the oldest first, behind what came meanwhile. */
    begin(publications) {
        const shown = new Set([...this.#list.children, ...this.#waiting].map((each) => each.dataset.position));
        const before = publications.filter(({ position }) => !shown.has(position)).reverse().map((each) => entry(each, "before"));
        this.#list.append(...before.slice(0, SHOWN_MAX - this.#list.children.length));
    }

    take(message) {
        if (this.#isPaused) this.#missed += 1;
        else this.#add(entry(message));
    }

    /** Something that readers are told besides. */
    note(text) { this.#add(element("li", { class: "bad" }, text)); }

    /** Why there is nothing. */
    tell(text) { say(this.#hint, text); }

    draw() {
        this.#frame = undefined;
        if (this.#isPaused) this.tell(`Paused; ${plural(this.#missed, "message")} came meanwhile.`);
        if (!this.#waiting.length) return;
        this.#list.prepend(...this.#waiting);
        this.#waiting = [];
        while (this.#list.children.length > SHOWN_MAX) this.#list.lastChild.remove();
    }

    #add(line) {
        this.#waiting.unshift(line);
        if (this.#waiting.length > SHOWN_MAX) this.#waiting.pop();
        this.#frame ??= requestAnimationFrame(() => this.draw());
    }

    #toggle() {
        this.#isPaused = !this.#isPaused;
        say(this.#pause, this.#isPaused ? "Go on" : "Pause");
        this.#pause.setAttribute("aria-pressed", `${this.#isPaused}`);
        this.tell(this.#isPaused ? "Paused." : this.#missed ? `${plural(this.#missed, "message")} came meanwhile, and ${this.#missed === 1 ? "is" : "are"} not shown.` : "");
        this.#missed = 0;
    }
}

function entry({ channel, position, data, data64 }, kind) {
    const line = element("li", { class: kind, "data-position": position },
        element("span", { class: "when" }, position ? `${timeOf(position)} ` : "now "),
        element("code", {}, shortened(textOf(data, data64))));
    if (position) line.title = `${channel ?? ""} ${position}`.trim();
    return line;
}

function textOf(data, data64) {
    if (data64 !== undefined) return `${count((data64.length * 3) >> 2)} bytes: ${data64}`;
    if (data instanceof Uint8Array) return `${plural(data.length, "byte")}: ${Array.from(data.subarray(0, 256), (byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
    return typeof data === "string" ? data : JSON.stringify(data);
}

const shortened = (text = "") => (text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)} … (${count(text.length)} characters)` : text);
