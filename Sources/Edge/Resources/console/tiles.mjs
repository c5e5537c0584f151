// What is looked at first: a number, with what it was in the last two minutes.

import { element, say } from "./dom.mjs";
import { count, milliseconds, rate, within } from "./format.mjs";
import { Sparkline } from "./sparkline.mjs";

/** Name of the points, title, how a value is told. */
const KINDS = [
    ["connections", "Connections", count],
    ["deliveries", "Deliveries", rate],
    ["publications", "Publications", rate],
    ["latency", "Delivery, 99 %", within],
    ["lag", "Longest turn", milliseconds],
    ["roundTrip", "Redis answers", milliseconds],
];

export class Tiles {
    #tiles = KINDS.map(([name, title, format]) => {
        const value = element("dd");
        const chart = new Sparkline();
        const box = element("div", { class: "tile" }, element("dt", {}, title), value, chart.element);
        return { name, format, value, chart, box };
    });
    element = element("dl", { class: "tiles" }, ...this.#tiles.map(({ box }) => box));

    /** `points` by name; without Redis there is nothing to be told of it. */
    update(points, isEmbedded) {
        for (const { name, format, value, chart, box } of this.#tiles) {
            box.hidden = name === "roundTrip" && isEmbedded;
            say(value, format(points[name].at(-1)));
            chart.update(points[name]);
        }
    }
}
