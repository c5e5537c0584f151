/** Characters at most, those that were removed included: what a page can hold and a message can carry. */
export const elementsMax = 12_000;

/** Characters that one operation inserts, and runs that one removes, at most: so that it has room in a message of 64 KiB. */
const piecesMax = { insert: 4_000, remove: 1_000 };

/** Insertions that wait for what they stand behind. */
const waitingMax = 1_000;

/**
 * A text that several write at once: a replicated growable array.
 *
 * Each character has an id of its own, `[number, site]`, where a site is one who writes, and the number is higher than all that the site
 * has seen. A character is inserted behind another one, never at an index, so it does not matter what else happens to the text in
 * between. Where several are inserted behind the same one, the higher id comes first. One that is removed stays, unseen, for others may
 * know it as a place to insert at. So all who have had the same operations have the same text, in whichever order they had them.
 *
 * Source: Roh, Jeon, Kim and Lee, "Replicated abstract data types: Building blocks for collaborative applications", 2011.
 *
 *     { insert: "text", id: [7, "ada"], after: [3, "bob"] }    its characters are [7, "ada"], [8, "ada"], …; without `after` at the beginning
 *     { remove: [[3, "bob", 2], …] }                           from an id on, so many that follow each other
 *     { runs: [[3, "bob", "text"], [7, "ada", 4], …] }         all of it: characters, or how many were removed
 */
export class Sequence {
    #site;
    #number = 0;
    /** In front of the first of a list, whose elements are `{ number, site, character, isRemoved, next }`. */
    #start = { next: undefined };
    #elements = new Map();
    /** What was removed before it came. */
    #removed = new Set();
    /** Insertions by what they wait for, and those that wait no longer. */
    #waiting = new Map();
    #waitingCount = 0;
    #ready = [];
    /** The elements whose characters the writer looks at. */
    #shown = [];

    constructor(site) {
        this.#site = site;
    }

    get elementCount() {
        return this.#elements.size;
    }

    get text() {
        return joined(this.#all().filter(isSeen));
    }

    /** The text for the writer to look at, which is what `write` goes by. */
    look() {
        this.#shown = this.#all().filter(isSeen);
        return joined(this.#shown);
    }

    /**
     * The writer has changed the text that was looked at to this one. What came since then stays as it is. Returns the operations to
     * tell others.
     *
     * What was typed ends at the cursor: of a letter that is put beside the same letter one could not tell else which of them is new, and
     * whoever typed it would go on behind the other one.
     */
    write(text, cursor = Infinity) {
        const [before, after] = [this.#shown, [...text]];
        const lengthMax = Math.min(before.length, after.length);
        const endMax = Math.min(lengthMax, Math.max(0, after.length - cursor));
        let end = 0;
        while (end < endMax && before.at(-1 - end).character === after.at(-1 - end)) end++;
        let start = 0;
        while (start < lengthMax - end && before[start].character === after[start]) start++;
        while (end < lengthMax - start && before.at(-1 - end).character === after.at(-1 - end)) end++;
        const removed = before.slice(start, before.length - end);
        const inserted = after.slice(start, after.length - end).slice(0, elementsMax - this.#elements.size);
        const operations = pieces(runs(removed), piecesMax.remove).map((piece) => {
            return { remove: piece.map(({ number, site, elements }) => [number, site, elements.length]) };
        });
        const added = [];
        for (const piece of pieces(inserted, piecesMax.insert)) {
            const place = added.at(-1) ?? before[start - 1];
            const number = this.#number + 1;
            const operation = { insert: piece.join(""), id: [number, this.#site], after: place && [place.number, place.site] };
            this.apply(operation);
            operations.push(operation);
            added.push(...piece.map((_, offset) => this.#elements.get(key(number + offset, this.#site))));
        }
        removed.forEach((element) => (element.isRemoved = true));
        this.#shown = [...before.slice(0, start), ...added, ...before.slice(before.length - end)];
        return operations;
    }

    /** Takes an operation, once or several times. One that builds upon what is not here yet waits for that; what is none is ignored. */
    apply(operation) {
        this.#ready.push(operation);
        while (this.#ready.length) this.#take(this.#ready.pop());
    }

    /** All of it, for who was not there: an operation as the others. */
    get snapshot() {
        const content = ({ isRemoved, elements }) => (isRemoved ? elements.length : joined(elements));
        return { runs: runs(this.#all()).map((run) => [run.number, run.site, content(run)]) };
    }

    /** The element in front of an index of the text that was looked at: a place that stays where it is while others write. */
    placeAt(index) {
        return this.#shown[index - 1];
    }

    /** The index behind a place, in the text that was looked at; if it is gone, behind what is left before it. */
    indexOf(place) {
        let index = 0;
        for (const element of place ? this.#all() : []) {
            if (isSeen(element)) index++;
            if (element === place) break;
        }
        return index;
    }

    #all() {
        const all = [];
        for (let element = this.#start.next; element; element = element.next) all.push(element);
        return all;
    }

    #take(operation) {
        const { insert, id, after, remove, runs } = operation ?? {};
        if (typeof insert === "string" && isID(id)) this.#insert(operation, isID(after) ? key(...after) : undefined);
        if (isListOfRuns(remove)) remove.forEach((run) => this.#remove(run));
        if (isListOfRuns(runs)) this.#merge(runs);
    }

    #insert(operation, after) {
        let place = after ? this.#elements.get(after) : this.#start;
        if (!place) return this.#wait(operation, after);
        let [number, site] = operation.id;
        for (const character of operation.insert) place = this.#put(place, number++, site, character) ?? place;
    }

    #wait(operation, after) {
        if (this.#waitingCount >= waitingMax) return;
        this.#waitingCount++;
        this.#waiting.set(after, [...(this.#waiting.get(after) ?? []), operation]);
    }

    /** Puts an element behind another one, unless it is there; behind those that were put there, too, and have a higher id. */
    #put(place, number, site, character) {
        const id = key(number, site);
        const known = this.#elements.get(id);
        if (known || this.#elements.size >= elementsMax) return known;
        while (place.next && isHigher(place.next, number, site)) place = place.next;
        const element = { number, site, character, isRemoved: this.#removed.delete(id), next: place.next };
        place.next = element;
        this.#elements.set(id, element);
        this.#number = Math.max(this.#number, number);
        const ready = this.#waiting.get(id) ?? [];
        this.#waitingCount -= ready.length;
        this.#waiting.delete(id);
        this.#ready.push(...ready);
        return element;
    }

    #remove([number, site, count]) {
        for (const end = number + count; number < end; number++) {
            const element = this.#elements.get(key(number, site));
            if (element) element.isRemoved = true;
            else if (this.#removed.size < elementsMax) this.#removed.add(key(number, site));
        }
    }

    /** Each element comes behind the one before it in the snapshot, as if it had been inserted so. */
    #merge(runs) {
        let place = this.#start;
        for (const [number, site, content] of runs) {
            const isRemoved = typeof content === "number";
            const characters = isRemoved ? Array(content).fill("") : [...content];
            characters.forEach((character, offset) => {
                place = this.#put(place, number + offset, site, character) ?? place;
                if (isRemoved && place.site === site) place.isRemoved = true;
            });
        }
    }
}

const key = (number, site) => `${number} ${site}`;
const isSeen = ({ isRemoved }) => !isRemoved;
const isHigher = (element, number, site) => element.number > number || (element.number === number && element.site > site);
const joined = (elements) => elements.map(({ character }) => character).join("");

/** Elements whose ids follow each other, and which are all removed or all not, as one. */
function runs(elements) {
    const all = [];
    for (const element of elements) {
        const { number, site, isRemoved } = element;
        const run = all.at(-1);
        const isNext = run && run.site === site && run.number + run.elements.length === number && run.isRemoved === isRemoved;
        if (isNext) run.elements.push(element);
        else all.push({ number, site, isRemoved, elements: [element] });
    }
    return all;
}

function pieces(list, lengthMax) {
    const all = [];
    for (let start = 0; start < list.length; start += lengthMax) all.push(list.slice(start, start + lengthMax));
    return all;
}

// What others say is believed only if it can be: anybody may publish.

function isID(id) {
    return Array.isArray(id) && Number.isSafeInteger(id[0]) && id[0] > 0 && id[0] < 2 ** 40 && typeof id[1] === "string" && id[1].length <= 16;
}

function isListOfRuns(runs) {
    if (!Array.isArray(runs)) return false;
    const count = ([, , content]) => (typeof content === "string" ? content.length : Number.isSafeInteger(content) && content > 0 ? content : Infinity);
    return runs.every(isID) && runs.reduce((sum, run) => sum + count(run), 0) <= 2 * elementsMax;
}
