// Parts of a whole, each with its name and its number.

import { element, LiveTable, say } from "./dom.mjs";
import { count } from "./format.mjs";

/** A list of `[name, number]`, the largest first. */
export class Bars {
    #table;

    constructor(caption, emptyText) {
        const columns = [
            { title: "Name", fill: (cell, [name]) => say(cell, name) },
            {
                title: "Share",
                fill: (cell, [, , share]) => {
                    const bar = cell.firstChild ?? cell.appendChild(element("div", { class: "bar", "aria-hidden": "true" }));
                    bar.style.inlineSize = `${Math.max(share * 100, 0.5)}%`;
                },
            },
            { title: "Count", isNumber: true, fill: (cell, [, number]) => say(cell, count(number)) },
        ];
        this.#table = new LiveTable(caption, columns, ([name]) => name, emptyText);
        this.element = this.#table.element;
        this.element.classList.add("bars");
    }

    update(parts) {
        const some = parts.filter(([, number]) => number > 0).sort(([, one], [, other]) => other - one);
        const most = some[0]?.[1];
        this.#table.update(some.map(([name, number]) => [name, number, number / most]));
    }
}
