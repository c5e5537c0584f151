import { Connection } from "./Connection.mjs";
import { Cursor } from "./Cursor.mjs";

/**
 * One connection for all tabs of a site that ask for it: one of them has it, and passes on what it hears.
 *
 * Who holds the lock has the connection; when that tab is gone the next one gets the lock, and goes on from where each tab is. Each
 * tab also holds a lock of its own, by which the one with the connection sees that it is gone.
 * Source: W3C, "Web Locks API"; HTML, "Broadcasting to other browsing contexts".
 */
export class SharedConnection {
    #settings;
    #delegate;
    #id = crypto.randomUUID();
    #name;
    #group;
    #isCandidate = false;
    /** Of the tab that has the connection: that, what each tab reads, and how it lets go of the lock. */
    #connection;
    #members;
    #release;

    /** Where this tab is, and what it was told of the connection last. */
    cursor = new Cursor();
    facts = {};

    constructor(settings, delegate) {
        this.#settings = settings;
        this.#delegate = delegate;
        this.#name = `perseid ${settings.addresses}`;
        this.#group = new BroadcastChannel(this.#name);
        this.#group.onmessage = ({ data }) => this.#take(data);
        this.#hold(this.#id, () => new Promise(() => {}));
        this.#stand();
    }

    /** Says what this tab reads, and where it is; and whether it asks to be told how the connection is. */
    change(isBack) {
        const { channels } = this.#delegate;
        this.cursor.keep(channels);
        this.#post({ member: this.#id, channels: [...channels], positions: [...this.cursor], isBack });
    }

    goBack(positions) {
        this.cursor.goBack(positions);
    }

    close() {
        this.change();
        this.#leave();
        this.#group.close();
        this.#delegate.changed({ state: "closed" });
    }

    suspend() {
        this.#leave();
        if (this.#delegate.channels.size) this.#delegate.changed({ state: "waiting" });
    }

    /** Leaves the connection to another tab. */
    #leave() {
        const connection = this.#connection;
        this.#isCandidate = false;
        this.#connection = undefined;
        connection?.close();
        this.#release?.();
    }

    verify(isNewNetwork) {
        this.#stand();
        this.#connection?.verify(isNewNetwork);
        // What was passed on while the page stood still may be lost.
        this.change(true);
    }

    #hold(lock, act) {
        navigator.locks.request(`${this.#name} ${lock}`, act);
    }

    /** Waits for its turn to have the connection. */
    #stand() {
        if (this.#isCandidate) return;
        this.#isCandidate = true;
        this.#hold("", () => this.#isCandidate && this.#lead());
    }

    #lead() {
        const members = (this.#members = new Map());
        // As plain objects: of the class of an error nothing would be left.
        const relay = (call) => (...values) => {
            if (connection === this.#connection) this.#post({ call, values: JSON.parse(JSON.stringify(values)) });
        };
        const connection = new Connection(this.#settings, {
            get channels() {
                return new Set([...members.values()].flat());
            },
            heard: relay("heard"),
            changed: relay("changed"),
            refused: relay("refused"),
            denied: relay("denied"),
        });
        connection.session = this.facts.session;
        this.#connection = connection;
        this.#post({ isNew: true });
        return new Promise((resolve) => (this.#release = resolve));
    }

    /** Says something to all tabs, this one included. */
    #post(said) {
        this.#group.postMessage(said);
        this.#take(said);
    }

    #take({ member, channels, positions, isBack, isNew, call, values }) {
        if (member && this.#connection) this.#admit(member, channels, positions, isBack);
        if (isNew) this.change();
        if (!call) return;
        const [first] = values;
        if (call === "changed") this.facts = first;
        this.#delegate[call](...values);
        if (call === "heard") this.#move(first);
    }

    #move({ channel, position, recovered, to = position }) {
        if (to && !recovered) this.cursor.set(channel, to);
    }

    /** A tab reads other channels than before, or is new. It is told of those that are read already, as all others are once more. */
    #admit(member, channels, positions, isBack) {
        const connection = this.#connection;
        const known = this.#members.get(member);
        const places = new Map(positions);
        if (!known) this.#hold(member, () => this.#forget(member));
        this.#members.set(member, channels);
        connection.goBack(positions);
        for (const channel of channels) {
            const position = connection.cursor.get(channel);
            if (known?.includes(channel) || places.has(channel) || !position) continue;
            this.#post({ call: "heard", values: [{ type: "subscribed", channel, position }] });
        }
        connection.change();
        if (!known || isBack) this.#post({ call: "changed", values: [this.facts] });
    }

    #forget(member) {
        this.#members.delete(member);
        this.#connection?.change();
    }
}
