/** A message of a channel. `data` is what was published: JSON, a text, or bytes. */
export interface Message<Data = any> {
    channel: string;
    data: Data;
    /** Where it stands in its channel. One that is not kept in the history has none. */
    position?: string;
    /** What it is about, in a channel where newer ones replace older ones. */
    key?: string;
    /** There is nothing any more under the key, and no `data`. */
    removed?: true;
    /** It is what the channel knew of the key when the client came. */
    snapshot?: true;
}

/** What lay after `from`, up to `to`, is gone: it was not in the history any more. */
export interface Gap {
    channel: string;
    from?: string;
    to: string;
}

/** Somebody began or ceased to read a channel. */
export interface PresenceEvent {
    event: "join" | "leave";
    id: string;
    node: string;
    transport: string;
    since: number;
    user?: string;
    info?: any;
}

/** Who reads a channel. */
export interface Presence {
    channel: string;
    count: number;
    members: { id: string; node: string; transport: string; since: number; user?: string; info?: any }[];
}

/** A page of what was published. `more` says that there is more of it. */
export interface History<Data = any> {
    channel: string;
    messages: Message<Data>[];
    position?: string;
    recovered?: boolean;
    more?: boolean;
}

/** A channel is open: `position` is where what follows begins; `recovered` says that nothing after `since` is missing. */
export interface Subscribed {
    channel: string;
    position?: string;
    recovered?: boolean;
}

/** What was published is at this position. */
export interface Published {
    channel: string;
    position: string;
}

export type Transport = "webSocket" | "eventStream" | "jsonStream" | "longPoll";

/** `waiting` for the next attempt, or while the page is frozen; `closed` without subscriptions, or by an error that is for good. */
export type State = "connecting" | "open" | "waiting" | "closed";

export interface Options {
    /** Shows who the client is: a token, or what fetches one. It is asked again before a JSON Web Token ends. */
    token?: string | (() => string | Promise<string>);
    /** Those that may be used, the best first. */
    transports?: Transport[];
    /** How often it is told of each channel, at most: batches a second, from 0.1 to 20; of a pattern, of all of its channels together. */
    maxRate?: number;
    /** One connection for all tabs of the site that ask for it. Default: false. */
    share?: boolean;
    /** Whether the client has a session, by which it is one member of a channel's presence however often it comes. Default: true. */
    session?: boolean;
    /** Whether cookies go along, as of `fetch`. Default: `same-origin`. */
    credentials?: "omit" | "same-origin" | "include";
}

export interface Handlers<Data = any> {
    /** The position behind which it begins; without it, where the client is in the channel, or with what comes next. */
    since?: string;
    onMessage?(message: Message<Data>): void;
    onGap?(gap: Gap): void;
    /** Where presence is told, and to this client; if it is not, `onError` says so. */
    onPresence?(event: PresenceEvent): void;
    onSubscribed?(subscribed: Subscribed): void;
    /** The channel is not for this client, and the subscription is over. If `channel` is `$presence/…`, only that is; messages go on. */
    onError?(error: PerseidError): void;
}

/** What a node refuses, or did not answer: `code` is a status of HTTP, a close code, or 0 where there was no answer. */
export class PerseidError extends Error {
    readonly code: number;
    readonly field?: string;
    /** The channel that cannot be had, where it is about one. */
    readonly channel?: string;
    /** Milliseconds after which asking again is of use. */
    readonly retry?: number;
    /** Whether the same again would be answered the same. */
    readonly isFinal: boolean;
}

export interface PublishOptions {
    /** What it is about, in a channel where newer publications replace older ones. */
    key?: string;
}

/** One subscription. `for await (const message of subscription)` reads it, too, until it is unsubscribed. */
export interface Subscription<Data = any> extends AsyncIterable<Message<Data>> {
    readonly channel: string;
    publish(data: Data | Uint8Array, options?: PublishOptions): Promise<Published>;
    history(options?: { since?: string; limit?: number }): Promise<History<Data>>;
    presence(): Promise<Presence>;
    unsubscribe(): void;
}

/** Of `state`; of `error` it has the error alone. */
export interface PerseidEvent extends Event {
    readonly state: State;
    readonly transport?: Transport;
    readonly node?: string;
    readonly address?: string;
    readonly error?: PerseidError;
}

export class Perseid extends EventTarget {
    /** One address, or several that are tried in turn. Default: where the page is from. */
    constructor(addresses?: string | URL | (string | URL)[], options?: Options);
    readonly state: State;
    readonly transport?: Transport;
    readonly node?: string;
    subscribe<Data = any>(channel: string, handlers?: Handlers<Data>): Subscription<Data>;
    publish(channel: string, data: unknown, options?: PublishOptions): Promise<Published>;
    history<Data = any>(channel: string, options?: { since?: string; limit?: number }): Promise<History<Data>>;
    presence(channel: string): Promise<Presence>;
    close(): void;
    addEventListener(
        type: "state" | "error",
        listener: (event: PerseidEvent) => void,
        options?: AddEventListenerOptions | boolean,
    ): void;
    addEventListener(
        type: string,
        listener: EventListenerOrEventListenerObject | null,
        options?: AddEventListenerOptions | boolean,
    ): void;
}

export default Perseid;
