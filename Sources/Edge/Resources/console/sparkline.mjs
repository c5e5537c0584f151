// A small chart of the last two minutes. What it shows is told beside it as a number, so it is nothing to a screen reader.

import { POINTS_MAX } from "./facts.mjs";

const NAMESPACE = "http://www.w3.org/2000/svg";
const HEIGHT = 32;

export class Sparkline {
    #line = shape("path", { class: "line" });
    #area = shape("path", { class: "area" });

    constructor() {
        this.element = shape("svg", {
            class: "spark", viewBox: `0 0 ${POINTS_MAX - 1} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true",
        });
        this.element.append(this.#area, this.#line);
    }

    /** Draws these, the newest at the right; what is not known is drawn as 0. */
    update(points) {
        const values = points.map((value) => (Number.isFinite(value) ? value : 0));
        const most = Math.max(...values, 1e-9);
        const start = POINTS_MAX - values.length;
        const line = values.map((value, place) => `${start + place} ${(HEIGHT - 1 - (value / most) * (HEIGHT - 3)).toFixed(1)}`).join("L");
        this.#line.setAttribute("d", values.length > 1 ? `M${line}` : "");
        this.#area.setAttribute("d", values.length > 1 ? `M${start} ${HEIGHT}L${line}L${POINTS_MAX - 1} ${HEIGHT}Z` : "");
    }
}

function shape(name, attributes) {
    const made = document.createElementNS(NAMESPACE, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
}
