import { Connection } from "./Connection.mjs";
import { request } from "./Link.mjs";
import { Page } from "./Page.mjs";
import { PerseidError } from "./PerseidError.mjs";
import { Publisher } from "./Publisher.mjs";
import { SharedConnection } from "./SharedConnection.mjs";
import { Subscription } from "./Subscription.mjs";
import { Token } from "./Token.mjs";
import { ways } from "./transports.mjs";

/**
 * A client of Perseid: one connection, for as long as there are subscriptions, whatever becomes of the network, the nodes and
 * the page.
 *
 *     const perseid = new Perseid("https://live.example.com", { token: async () => fetchToken() });
 *     const room = perseid.subscribe("room/1", { onMessage, onGap, onPresence, since });
 *
 * What its parts need of it is public, too; perseid.d.ts has what is meant for others.
 */
export class Perseid extends EventTarget {
    #settings;
    #connection;
    #publisher = new Publisher((path, options) => this.#ask(path, options));
    #page;
    #subscriptions = new Set();

    /** What the connection said of itself last: this, the transport and the node. */
    state = "closed";

    constructor(addresses = globalThis.location?.origin, options = {}) {
        super();
        const names = options.transports ?? Object.keys(ways);
        this.#settings = {
            ...options,
            addresses: [addresses].flat().map((address) => new URL(`${address}`.replace(/\/*$/, "/"), globalThis.location)),
            token: new Token(options.token),
            // Node has a WebSocket since its version 22.
            transports: names.filter((name) => name !== "webSocket" || globalThis.WebSocket),
        };
        const Shared = options.share && globalThis.navigator?.locks && SharedConnection;
        this.#connection = new (Shared || Connection)(this.#settings, this);
        this.#page = new Page(this.#connection);
    }

    subscribe(channel, handlers = {}) {
        const { since } = handlers;
        const subscription = new Subscription(this, channel, handlers);
        const position = this.channels.has(channel) && this.#connection.cursor.get(channel);
        this.#subscriptions.add(subscription);
        if (since) this.#connection.goBack([[channel, since]]);
        else if (position) queueMicrotask(() => subscription.subscribed({ channel, position }));
        this.#change();
        return subscription;
    }

    unsubscribe(subscription, error) {
        if (!this.#subscriptions.delete(subscription)) return;
        subscription.end(error);
        this.#change();
    }

    /** Publishes JSON, or bytes; the promise is kept once the cluster has it. */
    publish(channel, data, options) {
        return this.#publisher.publish(channel, data, options);
    }

    /** What was published: the last ones, or those since a position. */
    async history(channel, options) {
        const { publications, ...page } = await this.#get(channel, `/history?${new URLSearchParams(options)}`);
        return { ...page, messages: publications.map((each) => told({ channel, ...each })) };
    }

    /** Who is subscribed to a channel. */
    presence(channel) {
        return this.#get(channel, "/presence");
    }

    close() {
        this.#end();
        this.#page.close();
        this.#connection.close();
    }

    async #get(channel, path) {
        return (await this.#ask(`channels/${encodeURIComponent(channel)}${path}`)).json();
    }

    /** Asks the nodes by HTTP, one after the other until one does it; with another token where that is not taken and there is one. */
    async #ask(path, options, isLast) {
        const { addresses, credentials, token } = this.#settings;
        const shown = await token.text();
        let reason;
        for (const address of [this.address ?? [], ...addresses].flat()) {
            try {
                return await request(new URL(path, address), { credentials, token: shown, ...options });
            } catch (error) {
                if ((reason = error).isFinal) break;
            }
        }
        if (reason.code === 401 && !isLast && token.drop()) return this.#ask(path, options, true);
        throw reason;
    }

    /** The connection is told once of all that is changed in a row. */
    #change() {
        queueMicrotask(() => this.#connection.change());
    }

    // What the connection asks and says.

    get channels() {
        return new Set([...this.#subscriptions].flatMap((each) => each.channels));
    }

    heard(said) {
        const { type, channel } = said;
        for (const each of this.#subscriptions) if (each.reads(channel)) each[type](told(said));
    }

    /** A channel is not for the client: who asked for it is over; who wants to know who is present there goes on without. */
    denied(channel, facts) {
        const error = new PerseidError(facts);
        for (const each of this.#subscriptions) {
            if (each.channel === channel) this.unsubscribe(each, error);
            else each.miss(channel, error);
        }
        this.#change();
    }

    refused(facts) {
        this.#dispatch("error", { error: new PerseidError(facts) });
    }

    changed(facts, error) {
        Object.assign(this, facts);
        if (error) this.#end(new PerseidError(error));
        this.#dispatch("state", { ...facts, error });
    }

    #end(error) {
        this.#subscriptions.forEach((each) => each.end(error));
        this.#subscriptions.clear();
    }

    #dispatch(name, facts) {
        this.dispatchEvent(Object.assign(new Event(name), facts));
    }
}

/** A message, or what else is said, as it is told: bytes as bytes. */
function told({ type, data64, ...rest }) {
    if (data64 === undefined) return rest;
    return { ...rest, data: Uint8Array.from(atob(data64), (letter) => letter.charCodeAt(0)) };
}
