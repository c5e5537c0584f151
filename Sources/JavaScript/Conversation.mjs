import { Link } from "./Link.mjs";
import { PerseidError } from "./PerseidError.mjs";

/** Milliseconds in which a ping is answered, or there is nobody any more. */
const pongMillisecondsMax = 3e3;

/** Seconds between two signs of life, where the node does not say: a poll's answer takes as long. */
const heartbeatSeconds = 25;

/** Milliseconds after which what could not be had is tried again: a channel, a token. */
const againMilliseconds = 2e3;

/** The id of the command that shows another token. */
const tokenID = "token";

/** A link with what is said over it, on both sides: it moves the cursor, and reads what the client wants. */
export class Conversation extends Link {
    // What the node says.

    hear(message = {}, cursor) {
        if (this.signal.aborted) return;
        this.heardMilliseconds = Date.now();
        const { type, channel, position, id, to } = message;
        const place = this.connection.cursor;
        if (type === "welcome") this.#open(message);
        else if (type === "bye") this.#close(message);
        else if (type === "subscribed") this.#begin(message);
        else if (type === "unsubscribed") place.keep(this.delegate.channels);
        else if (type === "error" && channel) this.#deny(message);
        else if (type === "error" && id === tokenID) message.code === 400 || this.#renew();
        else if (type === "error") this.delegate.refused(message);
        else if (type === "message" || type === "gap") this.delegate.heard(message);
        if (this.signal.aborted) return;
        if (cursor) place.take(cursor);
        else if (type === "gap" || type === "message" && position) place.set(channel, to ?? position);
    }

    #open({ session, node, heartbeat = heartbeatSeconds }) {
        const silenceMillisecondsMax = heartbeat * (this.send ? 1e3 : 1500);
        Object.assign(this, { node, silenceMillisecondsMax, isOpen: true });
        this.#listen();
        this.#keepToken();
        this.connection.opened(this, session);
        this.adjust();
    }

    #close({ code, reason, reconnect, after }) {
        this.end({ error: new PerseidError({ code, message: reason, isFinal: !reconnect, retry: after }) });
    }

    /** A channel begins here: behind the client's place, or, where what followed that is gone, elsewhere. */
    #begin(message) {
        const { channel, recovered } = message;
        const { cursor } = this.connection;
        const from = cursor.get(channel);
        const to = message.position ?? from;
        if (recovered === false && from !== to) this.delegate.heard({ type: "gap", channel, from, to });
        if (!recovered && to) cursor.set(channel, to);
        this.delegate.heard({ ...message, position: to });
    }

    /** A channel is not for the client, or cannot be had now. It may have it already, as its session's. */
    #deny(message) {
        const { channel, code, retry = againMilliseconds } = message;
        if (code === 409) return;
        this.channels.delete(channel);
        if (code === 503 || code === 429) this.after(retry, () => this.adjust());
        else this.delegate.denied(channel, message);
    }

    // What it is told.

    /** Reads what the client wants. A link that cannot be told is done anew. */
    adjust() {
        const { channels, connection } = this;
        const wanted = this.delegate.channels;
        const added = [...wanted].filter((channel) => !channels.has(channel));
        const removed = [...channels].filter((channel) => !wanted.has(channel));
        if (!this.isOpen || !(added.length + removed.length)) return;
        // A session would bring back what is read no longer.
        if (!this.send && removed.length) connection.session = undefined;
        if (!this.send) return this.turn();
        for (const channel of removed) this.send({ type: "unsubscribe", channel });
        for (const channel of added) this.send({ type: "subscribe", channel, since: connection.cursor.get(channel) });
        this.channels = new Set(wanted);
    }

    /** Looks whether there is still somebody. */
    verify(isNewNetwork) {
        if (this.isOpen && this.send) this.#ping();
        else if (isNewNetwork || this.#leftMilliseconds < 0) this.turn();
    }

    /** Milliseconds until the silence is too long. */
    get #leftMilliseconds() {
        return this.heardMilliseconds + this.silenceMillisecondsMax - Date.now();
    }

    /** Ends when it is silent for too long. Who can be asked is asked first. */
    #listen() {
        const listen = () => this.#listen();
        if (this.#leftMilliseconds > 0) this.after(this.#leftMilliseconds, listen);
        else if (this.send) this.#ping(listen);
        else this.end();
    }

    #ping(then) {
        const start = Date.now();
        this.send({ type: "ping" });
        this.after(pongMillisecondsMax, () => {
            if (this.heardMilliseconds < start) this.end();
            else then?.();
        });
    }

    /** Shows another token before the one there is ends. */
    #keepToken() {
        const { settings, send } = this;
        this.after(Math.max(settings.token.leftMilliseconds, againMilliseconds), async () => {
            const token = await settings.token.text().catch(() => {});
            if (token) send ? send({ type: "authenticate", id: tokenID, token }) : this.turn();
            this.#keepToken();
        });
    }

    /** The token that was shown is not taken: perhaps a new one with a new link. */
    #renew() {
        this.settings.token.drop();
        this.turn();
    }
}
