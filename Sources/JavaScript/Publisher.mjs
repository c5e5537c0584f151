import { PerseidError } from "./PerseidError.mjs";

/** Publications that wait at most, and milliseconds that one waits for an answer. */
const publicationsMax = 1e3;
const acknowledgeMillisecondsMax = 30e3;

/** Milliseconds between two attempts. */
const repeatMilliseconds = 500;

/**
 * Publishes by HTTP, in the order of the calls, whatever the connection does. What is published while a request is under way goes
 * into the next one.
 *
 * Each publication has a name of its own, by which the cluster knows it again: so one whose answer is lost is sent once more, and
 * is there once.
 */
export class Publisher {
    #ask;
    #waiting = [];
    #isSending = false;
    /** Tells this client's publications from all others'. A page that is not secure has no `randomUUID`. */
    #name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    #count = 0;

    constructor(ask) {
        this.#ask = ask;
    }

    publish(channel, data, { key } = {}) {
        return new Promise((resolve, reject) => {
            if (this.#waiting.length >= publicationsMax) throw new PerseidError({ code: 429, message: "too many wait" });
            const payload = data instanceof Uint8Array ? { data64: base64(data) } : { data };
            const line = JSON.stringify({ channel, key, once: `${this.#name}-${++this.#count}`, ...payload });
            this.#waiting.push({ line, endMilliseconds: Date.now() + acknowledgeMillisecondsMax, resolve, reject });
            if (!this.#isSending) this.#send();
        });
    }

    async #send() {
        this.#isSending = true;
        while (this.#waiting.length) {
            const batch = this.#waiting;
            this.#waiting = [];
            const body = batch.map(({ line }) => line).join("\n");
            const answers = await this.#ask("publish", { method: "POST", body })
                .then(async (response) => (await response.text()).match(/[^\n]+/g).map(JSON.parse))
                .catch((error) => batch.map(() => ({ error })));
            const left = batch.filter((each, place) => !settle(each, answers[place]));
            this.#waiting.unshift(...left);
            if (left.length) await new Promise((resolve) => setTimeout(resolve, repeatMilliseconds));
        }
        this.#isSending = false;
    }
}

/** Tells a publisher what came of it; says whether that is known. */
function settle({ resolve, reject, endMilliseconds }, answer) {
    const error = new PerseidError({ message: "no answer", ...answer?.error });
    if (answer?.position) resolve(answer);
    else if (error.isFinal || Date.now() > endMilliseconds) reject(error);
    else return false;
    return true;
}

function base64(bytes) {
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
