/**
 * What happens to the page, and to the machine that it is on. In Node none of this does.
 *
 * A page that is left or frozen lets go of its connection, or a browser would not keep it for the way back.
 * Source: web.dev, "Back/forward cache"; WICG, "Page Lifecycle".
 */
export class Page {
    #ending = new AbortController();

    constructor(connection) {
        const suspend = () => connection.suspend();
        const verify = () => connection.verify();
        const changes = { pagehide: suspend, freeze: suspend, pageshow: verify, resume: verify };
        // A page that is left is hidden after that.
        changes.visibilitychange = ({ target }) => target.hidden || verify();
        changes.online = () => connection.verify(true);
        // Captured, for some of them are the document's.
        const options = { capture: true, signal: this.#ending.signal };
        for (const name in changes) globalThis.addEventListener?.(name, changes[name], options);
    }

    close() {
        this.#ending.abort();
    }
}
