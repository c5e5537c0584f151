import { stands } from "./pattern.mjs";
import { PerseidError } from "./PerseidError.mjs";
import { isAfter } from "./position.mjs";

/** Messages that wait for a loop which does not come for them; past that the loop ends with an error. */
const messagesMax = 1e4;

/**
 * One subscription to a channel, or to all that a pattern stands for: its handlers, the loops that read it, and what it has had.
 *
 * Several of one channel share what comes over the connection. Each message is told once, by its position, however often it comes.
 */
export class Subscription {
    #client;
    #handlers;
    #loops = new Set();
    #presence;
    /** What it has had, by channel; and where it began. */
    #positions = new Map();
    #floor;

    constructor(client, channel, handlers) {
        this.#client = client;
        this.#handlers = handlers;
        this.channel = channel;
        this.#presence = handlers.onPresence && `$presence/${channel}`;
        this.#floor = handlers.since;
    }

    publish(data, options) {
        return this.#client.publish(this.channel, data, options);
    }

    history(options) {
        return this.#client.history(this.channel, options);
    }

    presence() {
        return this.#client.presence(this.channel);
    }

    unsubscribe() {
        this.#client.unsubscribe(this);
    }

    /** `for await (const message of subscription)`: what comes from now on, until it is unsubscribed. */
    async *[Symbol.asyncIterator]() {
        const loop = { messages: [] };
        this.#loops.add(loop);
        try {
            for (;;) {
                if (loop.messages.length) yield loop.messages.shift();
                else if (loop.error) throw loop.error;
                else if (loop.isOver) return;
                else await new Promise((resolve) => (loop.wake = resolve));
            }
        } finally {
            this.#loops.delete(loop);
        }
    }

    /** The channels that the connection reads for it. */
    get channels() {
        return this.#presence ? [this.channel, this.#presence] : [this.channel];
    }

    /** Whether what comes in a channel is for it. */
    reads(channel) {
        return channel === this.#presence || stands(this.channel, channel);
    }

    // What comes over the connection.

    message(message) {
        const { channel, position } = message;
        if (channel === this.#presence) return this.#tell("onPresence", message.data);
        if (position) {
            if (!isAfter(position, this.#position(channel))) return;
            this.#positions.set(channel, position);
        }
        this.#tell("onMessage", message);
        for (const loop of this.#loops) {
            if (!loop.error && loop.messages.push(message) > messagesMax) loop.error = new PerseidError({ code: 4008, message: "too slow" });
            loop.wake?.();
        }
    }

    gap({ channel, from, to }) {
        const own = this.#position(channel);
        if (channel === this.#presence || !isAfter(to, own)) return;
        this.#positions.set(channel, to);
        this.#tell("onGap", { channel, from: own ?? from, to });
    }

    /** The channel is open. Who gave no position is told what follows this one. */
    subscribed({ channel, position, recovered }) {
        if (channel !== this.channel) return;
        if (!recovered) this.#floor ??= position;
        this.#tell("onSubscribed", { channel, position, recovered });
    }

    /** It goes on without knowing who is present. */
    miss(channel, error) {
        if (channel !== this.#presence) return;
        this.#presence = undefined;
        this.#tell("onError", error);
    }

    /** It is over: for good, or with an error. */
    end(error) {
        if (error) this.#tell("onError", error);
        for (const loop of this.#loops) {
            Object.assign(loop, { error, isOver: true });
            loop.wake?.();
        }
    }

    #position(channel) {
        return this.#positions.get(channel) ?? this.#floor;
    }

    /** A handler that throws breaks nothing but itself, and is told of as any error that nobody caught. */
    #tell(name, value) {
        try {
            this.#handlers[name]?.(value);
        } catch (error) {
            queueMicrotask(() => {
                throw error;
            });
        }
    }
}
