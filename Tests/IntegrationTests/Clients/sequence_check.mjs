// Writers who write at once, each with what it has had, in whatever order: what they come to. Prints a line of JSON for each case.
//
// Arguments: where sequence.mjs is; how many rounds each case is drawn; the seed.
import { readFileSync } from "node:fs";

const [, , file, rounds, seed] = process.argv;
const { Sequence, elementsMax } = await import(`data:text/javascript;base64,${readFileSync(file, "base64")}`);

/** Numbers that look drawn and are the same for the same seed. Source: Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", 2014; its mixing function in 32 bits, by T. Ettinger ("mulberry32"). */
class Draw {
    #state;
    constructor(seed) {
        this.#state = seed >>> 0;
    }
    below(count) {
        this.#state = (this.#state + 0x6d2b79f5) >>> 0;
        let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
        mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
        return ((mixed ^ (mixed >>> 14)) >>> 0) % count;
    }
    of(list) {
        return list[this.below(list.length)];
    }
}

/** Has a writer change its text as somebody would: something typed, removed or put in place of something. */
function edit(writer, draw) {
    // It looks now, or has not looked since it wrote last, while something came.
    const isNew = writer.shown === undefined || draw.below(2) === 0;
    const [text, cursor] = edited(isNew ? writer.sequence.look() : writer.shown, draw);
    writer.shown = text;
    // A browser tells where the cursor is; a text may also have been changed by something else.
    const operations = writer.sequence.write(text, draw.below(4) ? cursor : undefined);
    if (isNew) same([writer.sequence.text, text], "what was written");
    return operations;
}

function edited(text, draw) {
    const characters = [...text];
    const start = draw.below(characters.length + 1);
    const removed = draw.below(3) ? 0 : draw.below(Math.min(6, characters.length - start + 1));
    const typed = draw.below(4) ? Array.from({ length: 1 + draw.below(5) }, () => draw.of([..."abc \né🌠"])).join("") : "";
    characters.splice(start, removed, typed);
    return [characters.join(""), start + [...typed].length];
}

/** Writers with a log that orders what they publish, and a place in it for each: what is before that they have heard. */
class Note {
    writers = ["ada", "bob", "cy"].map((site) => ({ site, sequence: new Sequence(site), waiting: [], place: 0 }));
    log = [];

    constructor(draw) {
        this.draw = draw;
    }

    step() {
        const { draw } = this;
        const writer = draw.of(this.writers);
        const act = draw.below(10);
        if (act < 5) {
            writer.waiting.push(...edit(writer, draw));
        } else if (act < 7 && writer.waiting.length) {
            this.log.push(...writer.waiting.splice(0, 1 + draw.below(3)));
        } else {
            this.hear(writer, draw.below(6));
        }
        if (act >= 5) writer.shown = undefined;
    }

    hear(writer, count) {
        const heard = this.log.slice(writer.place, writer.place + count);
        heard.forEach((operation) => writer.sequence.apply(JSON.parse(JSON.stringify(operation))));
        writer.place += heard.length;
    }

    settle() {
        for (const writer of this.writers) this.log.push(...writer.waiting.splice(0));
        for (const writer of this.writers) this.hear(writer, this.log.length);
    }
}

const same = (texts, what) => {
    if (new Set(texts).size > 1) throw new Error(`${what}: ${JSON.stringify([...new Set(texts)])}`);
};

const shuffled = (list, draw) => {
    const all = [...list];
    for (let last = all.length - 1; last > 0; last--) {
        const other = draw.below(last + 1);
        [all[last], all[other]] = [all[other], all[last]];
    }
    return all;
};

const cases = {
    /** All come to the same text, in whatever pieces and however late they hear of each other. */
    writers_agree(draw) {
        const note = new Note(draw);
        for (let step = 0; step < 120; step++) note.step();
        note.settle();
        same(note.writers.map(({ sequence }) => sequence.text), "writers");
        return note;
    },

    /** So does who hears the operations in another order, and some of them twice. */
    any_order(draw) {
        const note = cases.writers_agree(draw);
        const late = new Sequence("late");
        const all = shuffled([...note.log, ...note.log.filter(() => draw.below(3) === 0)], draw);
        all.forEach((operation) => late.apply(operation));
        same([late.text, note.writers[0].sequence.text], "another order");
    },

    /** A newcomer begins with a snapshot of anybody, at any time, and the operations around it: before it, too, as they stand in the log. */
    newcomers_agree(draw) {
        const note = new Note(draw);
        for (let step = 0; step < 60; step++) note.step();
        const author = draw.of(note.writers);
        // What the author wrote and has not published is in the snapshot, and comes once more.
        const { snapshot } = author.sequence;
        const begin = draw.below(author.place + 1);
        const newcomer = { site: "new", sequence: new Sequence("new"), waiting: [], place: note.log.length };
        const kept = note.log.slice(begin);
        const at = draw.below(kept.length + 1);
        for (const operation of [...kept.slice(0, at), snapshot, ...kept.slice(at)]) newcomer.sequence.apply(JSON.parse(JSON.stringify(operation)));
        note.writers.push(newcomer);
        for (let step = 0; step < 60; step++) note.step();
        note.settle();
        same(note.writers.map(({ sequence }) => sequence.text), "with a newcomer");
        const again = new Sequence("again");
        again.apply(newcomer.sequence.snapshot);
        same([again.text, newcomer.sequence.text], "from a snapshot alone");
    },

    /** What nobody removed is there: each writer types characters that no other has, into the same text, and removes nothing. */
    nothing_is_lost(draw) {
        const note = new Note(draw);
        let [typed, next] = ["", 0x4e00];
        for (let step = 0; step < 200; step++) {
            const writer = draw.of(note.writers);
            const characters = [...writer.sequence.look()];
            const character = String.fromCodePoint(next++);
            typed += character;
            characters.splice(draw.below(characters.length + 1), 0, character);
            writer.waiting.push(...writer.sequence.write(characters.join("")));
            if (draw.below(3) === 0) note.log.push(...writer.waiting.splice(0));
            if (draw.below(2) === 0) note.hear(writer, draw.below(9));
        }
        note.settle();
        same(note.writers.map(({ sequence }) => sequence.text), "writers");
        same([[...note.writers[0].sequence.text].sort().join(""), typed], "what was typed");
    },

    /** The place of a cursor stays before and behind the same characters while others write. */
    places_stay(draw) {
        const note = cases.writers_agree(draw);
        const [own, other] = note.writers;
        const before = [...own.sequence.look()];
        if (!before.length) return;
        const index = 1 + draw.below(before.length);
        const place = own.sequence.placeAt(index);
        const text = other.sequence.look();
        for (const changed of [`>${text}`, `>${text}<`]) {
            for (const operation of other.sequence.write(changed)) own.sequence.apply(operation);
        }
        own.sequence.look();
        if (own.sequence.indexOf(place) !== index + 1) throw new Error(`from ${index} to ${own.sequence.indexOf(place)}`);
    },

    /** Who types beside the same letter goes on behind its own: words stay whole, each writer's, though all type the same letters. */
    words_stay_whole(draw) {
        const note = new Note(draw);
        const cursors = new Map();
        const words = new Map(note.writers.map(({ site }) => [site, [..."aaab".repeat(4) + site]]));
        while ([...words.values()].some((word) => word.length)) {
            const writer = draw.of(note.writers);
            const character = words.get(writer.site).shift();
            if (character) {
                const characters = [...writer.sequence.look()];
                const index = writer.sequence.indexOf(cursors.get(writer));
                characters.splice(index, 0, character);
                writer.waiting.push(...writer.sequence.write(characters.join(""), index + 1));
                cursors.set(writer, writer.sequence.placeAt(index + 1));
            }
            if (draw.below(3) === 0) note.log.push(...writer.waiting.splice(0));
            if (draw.below(2) === 0) note.hear(writer, draw.below(9));
        }
        note.settle();
        const { text } = note.writers[0].sequence;
        for (const { site } of note.writers) if (!text.includes("aaab".repeat(4) + site)) throw new Error(`${site} in ${text}`);
    },

    /** What cannot be is ignored, and costs nothing that hurts. */
    rubbish(draw) {
        const note = cases.writers_agree(draw);
        const { sequence } = note.writers[0];
        const { text } = sequence;
        // Of its own: other tests may have the processors meanwhile.
        const start = process.cpuUsage();
        const id = [2 ** 39, "eve"];
        for (const operation of [
            null, 7, "x", [], {}, { insert: 7, id }, { insert: "x", id: [0, "eve"] }, { insert: "x", id: [1.5, "eve"] }, { insert: "x", id: [1] },
            { insert: "x", id: [2 ** 60, "eve"] }, { insert: "x", id: [1, "e".repeat(99)] }, { insert: "x", id, after: [9, "nobody"] },
            { remove: 7 }, { remove: [7, [1]] }, { remove: [[1, "eve", 2 ** 50]] }, { remove: [[1, "eve", -1]] }, { remove: [[1, "eve", 1e5]] },
            { runs: {} }, { runs: [[1, "eve", Infinity]] }, { runs: [[1, "eve", 1e9]] }, { runs: [null] },
        ]) sequence.apply(operation);
        for (let each = 0; each < 5000; each++) sequence.apply({ insert: "x", id: [each + 1, "eve"], after: [each + 1, "nobody"] });
        same([sequence.text, text], "after rubbish");
        sequence.apply({ insert: "y".repeat(60_000), id });
        if (sequence.elementCount > elementsMax) throw new Error(`${sequence.elementCount} elements`);
        const { user, system } = process.cpuUsage(start);
        if (user + system > 2e6) throw new Error(`${user + system} us`);
    },
};

for (const [name, run] of Object.entries(cases)) {
    const told = { case: name, rounds: 0 };
    const drawn = Number(rounds);
    try {
        for (; told.rounds < drawn; told.rounds++) run(new Draw(Number(seed) * 1e6 + told.rounds));
    } catch (error) {
        told.failure = `seed ${seed}, round ${told.rounds}: ${error.stack}`;
    }
    console.log(JSON.stringify(told));
}
