// Elements of the page. What they say is set as text, never as markup: names and payloads come from anywhere.

/** An element with attributes (`on…` are listeners) and what is in it: elements and texts. */
export function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
        else if (value === true) made.setAttribute(key, "");
        else if (value !== undefined && value !== false) made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
}

/** Changes what an element says, if that is something else: so nothing is drawn or read out for nothing. */
export function say(place, text) {
    if (place.textContent !== text) place.textContent = text;
}

/** Puts elements into a place in this order, and moves none that is where it belongs: what has the focus keeps it. */
export function arrange(place, wanted) {
    const keep = new Set(wanted);
    for (const child of [...place.children]) if (!keep.has(child)) child.remove();
    wanted.forEach((child, index) => {
        if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
    });
}

/** Columns that a phone has room for. */
const WIDE_COLUMNS = 4;

/**
 * A table whose rows stay the same elements while what they say changes. On a phone each row of a wide one is a card (see console.css);
 * so that it is still a table to a screen reader, the roles are named.
 * A column: `{ title, isNumber, isLong, fill(cell, item) }`; the first names the row.
 */
export class LiveTable {
    #rows = new Map();
    #columns;
    #keyOf;
    #body = element("tbody", { role: "rowgroup" });
    #empty;

    constructor(caption, columns, keyOf, emptyText) {
        this.#columns = columns;
        this.#keyOf = keyOf;
        const head = columns.map(({ title, isNumber }) =>
            element("th", { scope: "col", role: "columnheader", class: isNumber && "number" }, title));
        this.#empty = element("p", { class: "hint" }, emptyText);
        this.element = element("div", { class: columns.length > WIDE_COLUMNS ? "table wide" : "table" },
            element("table", { role: "table" },
                element("caption", { class: "unseen" }, caption),
                element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, ...head)),
                this.#body),
            this.#empty);
    }

    /** Shows these, one row each. */
    update(items) {
        const wanted = items.map((item) => this.#row(this.#keyOf(item), item));
        const keys = new Set(items.map(this.#keyOf));
        for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key);
        arrange(this.#body, wanted);
        this.#empty.hidden = items.length > 0;
        this.element.firstChild.hidden = items.length === 0;
    }

    #row(key, item) {
        let row = this.#rows.get(key);
        if (!row) {
            row = element("tr", { role: "row" }, ...this.#columns.map(({ title, isNumber, isLong }, place) =>
                place === 0
                    ? element("th", { scope: "row", role: "rowheader", class: isLong && "long" })
                    : element("td", { role: "cell", "data-title": title, class: isNumber ? "number" : isLong && "long" })));
            this.#rows.set(key, row);
        }
        this.#columns.forEach(({ fill }, place) => fill(row.children[place], item));
        return row;
    }
}

/** Fills a cell with a link; the link stays, whatever becomes of the rest. */
export function fillLink(cell, text, address) {
    const link = cell.querySelector("a") ?? cell.appendChild(element("a"));
    if (link.getAttribute("href") !== address) link.setAttribute("href", address);
    say(link, text);
}

/** A heading with what belongs to it. */
export function section(title, ...children) {
    return element("section", { "aria-label": title }, element("h2", {}, title), ...children);
}
