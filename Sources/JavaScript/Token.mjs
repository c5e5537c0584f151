/** Milliseconds by which a timer may come too early. */
const timerErrorMilliseconds = 50;

/** What shows who the client is: a text, or a function that fetches one, which may take its time. */
export class Token {
    #source;
    #text;
    #endMilliseconds;

    constructor(source) {
        this.#source = source;
    }

    /** Whether there can be another one. */
    get isRenewable() {
        return typeof this.#source === "function";
    }

    /** Milliseconds until it should be replaced. */
    get leftMilliseconds() {
        return this.isRenewable ? this.#endMilliseconds - Date.now() : Infinity;
    }

    /** The token to be shown now: the one there is, unless it ends soon or was let go of. */
    async text() {
        if (!this.#text || this.leftMilliseconds < timerErrorMilliseconds) {
            this.#text = this.isRenewable ? await this.#source() : this.#source;
            const now = Date.now();
            // It is replaced after nine tenths of its life.
            this.#endMilliseconds = now + (endMilliseconds(this.#text) - now) * 0.9;
        }
        return this.#text;
    }

    /** Lets go of a token that is not taken. Says whether there can be another one. */
    drop() {
        this.#text = undefined;
        return this.isRenewable;
    }
}

/** When a JSON Web Token ends: its claim `exp`, RFC 7519 §4.1.4. Of another one it is not known. */
function endMilliseconds(text) {
    try {
        return JSON.parse(atob(text.split(".")[1].replace(/-/g, "+").replace(/_/g, "/"))).exp * 1e3 || Infinity;
    } catch {
        return Infinity;
    }
}
