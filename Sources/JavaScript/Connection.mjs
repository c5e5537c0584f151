import { Conversation } from "./Conversation.mjs";
import { Cursor } from "./Cursor.mjs";
import { Ladder } from "./Ladder.mjs";
import { request, timerMillisecondsMax } from "./Link.mjs";
import { ways } from "./transports.mjs";

/** Milliseconds of the first wait at most, and of any; and those after which a link is a good one. */
const waitMillisecondsMin = 500;
const waitMillisecondsMax = 30e3;
const goodMilliseconds = 2e3;

/** Milliseconds in which a transport says something beyond those that a plain request takes, or there is no way for it. */
const patienceMilliseconds = 1e3;

/** Milliseconds in which a node answers a plain request, or is not there. */
const answerMillisecondsMax = 5e3;

/**
 * Keeps a client connected for as long as it reads channels: by the best transport that works, with one node after the other.
 *
 * The delegate says which `channels` are read, and is told what is `heard`, how the connection has `changed`, and of what is
 * `refused`. A client's place is the cursor; it moves with what the delegate was told, so whatever way is next goes on from there.
 */
export class Connection {
    #settings;
    #delegate;
    #ladder;
    #failureCount = 0;
    #place = 0;
    #missingCount = 0;
    #refusedTokenCount = 0;
    #link;
    #isWanted = false;
    #isRunning = false;
    #isSuspended = false;
    #wake;

    cursor = new Cursor();
    session;

    constructor(settings, delegate) {
        this.#settings = settings;
        this.#delegate = delegate;
        this.#ladder = new Ladder(settings.transports);
    }

    // What the client wants.

    /** The channels that are read may be others than before. */
    change() {
        const { channels } = this.#delegate;
        // Who reads them again later begins anew. A session would bring back what no node is told of now.
        if (this.cursor.keep(channels) && !this.#link?.isOpen) this.session = undefined;
        this.#link?.adjust();
        if (!channels.size) return this.close();
        this.#isWanted = true;
        if (!this.#isRunning) this.#run();
    }

    /** Goes back to where somebody is who has had less: what is read already is read again from there. */
    goBack(positions) {
        if (this.cursor.goBack(positions)) this.#link?.turn();
    }

    close(error) {
        this.#isWanted = false;
        this.#link?.turn();
        this.#wake?.();
        this.#tell("closed", error);
    }

    /** The page stands still from now on: nothing is held that would keep it from that. */
    suspend() {
        this.#isSuspended = true;
        this.#link?.turn();
    }

    /** There is reason to look whether the link still holds, or to wait no longer. After a time offline the way is another. */
    verify(isNewNetwork) {
        this.#isSuspended = false;
        this.#wake?.();
        if (isNewNetwork) this.#ladder.climb(true);
        this.#link?.verify(isNewNetwork);
    }

    // The loop.

    async #run() {
        this.#isRunning = true;
        while (this.#isWanted) {
            if (this.#isSuspended) {
                this.#tell("waiting");
                await this.#wait(timerMillisecondsMax);
                continue;
            }
            this.#tell("connecting");
            const reason = await this.#live().catch((error) => ({ error }));
            this.#link = undefined;
            const wait = this.#isWanted && !reason.isOwn && (await this.#learn(reason));
            if (!wait) continue;
            this.#tell("waiting");
            await this.#wait(wait);
        }
        this.#isRunning = false;
    }

    #wait(milliseconds) {
        return new Promise((resolve) => {
            const timer = setTimeout(resolve, milliseconds);
            this.#wake = () => {
                clearTimeout(timer);
                resolve();
            };
        });
    }

    /** Has one link, and returns why it is over. */
    async #live() {
        const settings = this.#settings;
        const channels = new Set(this.#delegate.channels);
        const link = new Conversation({
            settings,
            channels,
            connection: this,
            delegate: this.#delegate,
            credentials: settings.credentials,
            token: await settings.token.text(),
            name: this.#ladder.name,
            address: settings.addresses[this.#place],
            parameters: () => this.#parameters(channels),
        });
        this.#link = link;
        link.after(patienceMilliseconds, () => this.#measure(link));
        ways[link.name](link).then(
            () => link.end(),
            (error) => link.end({ error }),
        );
        if (!this.#isWanted || this.#isSuspended) link.turn();
        return link.ended;
    }

    #parameters(channels) {
        const { session, maxRate } = this.#settings;
        const others = {
            cursor: this.cursor.text(channels),
            session: session === false ? "none" : this.session,
            "max-rate": maxRate,
        };
        const all = [...Array.from(channels, (channel) => ["channel", channel]), ...Object.entries(others)];
        return all.filter(([, value]) => value);
    }

    /**
     * A link that says nothing is measured by a plain request, which has the same way: one that is silent for longer than that takes
     * is held up by something in between. So a slow network is not taken for a proxy that buffers.
     */
    async #measure(link) {
        if (link.isOpen) return;
        const start = Date.now();
        const signal = AbortSignal.timeout(answerMillisecondsMax);
        const { address, credentials } = link;
        await request(new URL("healthz", address), { credentials, signal }).catch((error) => error.code || link.end({ error }));
        link.after(Date.now() - start, () => link.isOpen || link.end());
    }

    /** Takes note of why a link is over. Returns the milliseconds until the next attempt. */
    async #learn({ link, error }) {
        if (error?.code) return this.#accept(error);
        if (link?.isOpen) {
            this.#leave();
            return this.#draw();
        }
        // It never spoke: either there is no node, or no way for this transport. Where there is none the next one tells.
        const isMissing = !link || error?.code === 0;
        if (!isMissing && this.#ladder.descend()) return 0;
        this.#delegate.refused(error ?? { message: "no transport works" });
        this.#leave();
        return ++this.#missingCount % this.#settings.addresses.length ? 0 : this.#draw();
    }

    /**
     * Draws a wait, so that the clients of a node that died do not come in step; twice as long each time.
     * Source: M. Brooker, "Exponential Backoff and Jitter", 2015: "full jitter".
     */
    #draw() {
        return Math.random() * Math.min(waitMillisecondsMax, waitMillisecondsMin * 2 ** this.#failureCount++);
    }

    /** Turns to the next node. */
    #leave() {
        this.#ladder.climb();
        this.#place = (this.#place + 1) % this.#settings.addresses.length;
    }

    /** A node said goodbye, or something else than what was asked for. */
    #accept(error) {
        const { code, field, channel, isFinal, retry = 0 } = error;
        const { token } = this.#settings;
        // The session is another's, or gone: the client goes on with its cursor alone. The next token may be taken, and if not,
        // there is no use in a third.
        const isOfSession = field === "session" || [4001, 4003].includes(code);
        const isOfToken = !isOfSession && [401, 4010, 4011].includes(code);
        if (isOfSession) this.session = undefined;
        else if (isOfToken) token.drop();
        if (this.#delegate.channels.has(channel)) this.#delegate.denied(channel, error);
        else if (isOfToken ? !token.isRenewable || this.#refusedTokenCount++ : isFinal && !isOfSession) {
            this.#delegate.refused(error);
            return this.close(error);
        }
        this.#ladder.climb();
        // The node is going away, or its Redis is; or it is no node, or has too much to do: another one may do better.
        if (code > 403 && code < 4003) this.#leave();
        return Math.max(retry, this.#draw());
    }

    opened(link, session) {
        this.session = session ?? this.session;
        this.#missingCount = this.#refusedTokenCount = 0;
        this.#ladder.stay();
        link.after(goodMilliseconds, () => (this.#failureCount = 0));
        link.after(this.#ladder.leftMilliseconds, () => {
            this.#ladder.climb();
            link.turn();
        });
        this.#tell("open");
    }

    #tell(state, error) {
        const { name: transport, node, address } = this.#link ?? {};
        this.#delegate.changed({ state, transport, node, address: address?.href, session: this.session }, error);
    }
}
