/** Milliseconds for which a transport that works is used before a better one is tried again. */
const stayMilliseconds = 600e3;

/** The page keeps it here from visit to visit, where it may. */
const storageKey = "perseid";

/** The transports that may be used, the best first, and which of them works here. */
export class Ladder {
    #names;
    #step = 0;
    #known = {};

    constructor(names) {
        this.#names = names;
        try {
            this.#known = JSON.parse(localStorage.getItem(storageKey)) ?? {};
        } catch {
            // No storage here, or somebody else's.
        }
        this.climb();
    }

    get name() {
        return this.#names[this.#step] ?? this.#names[0];
    }

    /** Turns to the next one. Says whether there is one; if not, it is back at the first. */
    descend() {
        if (++this.#step < this.#names.length) return true;
        this.climb();
    }

    /** Turns to the best that may work: what was found out counts for a while, and on this network. */
    climb(isNewNetwork) {
        const { step, end } = this.#known;
        this.#step = isNewNetwork || !(end > Date.now()) ? 0 : step;
    }

    /** This one works. Those before it were tried, and do not. */
    stay() {
        if (this.#step !== this.#known.step || this.leftMilliseconds < 0) {
            this.#known = { step: this.#step, end: Date.now() + stayMilliseconds };
        }
        try {
            localStorage.setItem(storageKey, JSON.stringify(this.#known));
        } catch {
            // It is forgotten with the page.
        }
    }

    /** Milliseconds until a better one is tried. */
    get leftMilliseconds() {
        return this.#step ? this.#known.end - Date.now() : Infinity;
    }
}
