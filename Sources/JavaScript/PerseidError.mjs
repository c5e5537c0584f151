/** Statuses of HTTP that blame the request. The others are a matter of time: 404, too, which a proxy says for a while. */
const finalStatuses = [400, 401, 403, 413, 414, 421, 431];

/**
 * What a node refuses, or did not answer.
 *
 * `code` is a status of HTTP (403), a close code of Perseid (4011), or 0 where there was no answer at all. `field` names what
 * of the request is at fault; `retry` says in milliseconds when asking again is of use, if that is known; `isFinal`, whether the
 * same again would be answered the same: the request is wrong, or not allowed.
 */
export class PerseidError extends Error {
    constructor(facts) {
        super();
        const { code = 0, message } = facts;
        Object.assign(this, { isFinal: finalStatuses.includes(code), ...facts, code, message });
    }
}
