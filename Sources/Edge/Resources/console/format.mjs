// Numbers as people read them.

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const fine = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

/** What is not known yet. */
export const UNKNOWN = "–";

export const count = (number) => (number === undefined ? UNKNOWN : number < 10_000 ? whole.format(number) : compact.format(number));

export const rate = (number) => (number === undefined ? UNKNOWN : `${number < 10 ? fine.format(number) : count(number)}/s`);

export function milliseconds(number) {
    if (number === undefined) return UNKNOWN;
    if (number === Infinity) return "> 5 s";
    return number < 1 ? `${fine.format(number)} ms` : number < 1_000 ? `${whole.format(number)} ms` : `${fine.format(number / 1_000)} s`;
}

/** Of a histogram only bounds are known. */
export const within = (number) => (Number.isFinite(number) ? `≤ ${milliseconds(number)}` : milliseconds(number));

export const percent = (share) => (share === undefined ? UNKNOWN : `${fine.format(share * 100)} %`);

export function bytes(number) {
    if (number === undefined) return UNKNOWN;
    const unit = number >= 2 ** 30 ? ["GiB", 2 ** 30] : number >= 2 ** 20 ? ["MiB", 2 ** 20] : ["KiB", 2 ** 10];
    return `${fine.format(number / unit[1])} ${unit[0]}`;
}

export function duration(seconds) {
    const units = [["d", 86_400], ["h", 3_600], ["min", 60]];
    const place = units.findIndex(([, length]) => seconds >= length);
    if (place < 0) return `${Math.floor(seconds)} s`;
    const [name, length] = units[place];
    const [next, nextLength] = units[place + 1] ?? [];
    const rest = next && Math.floor((seconds % length) / nextLength);
    return `${Math.floor(seconds / length)} ${name}${rest ? ` ${rest} ${next}` : ""}`;
}

/** The time of a position, which begins with milliseconds since 1970. */
export const timeOf = (position) => new Date(Number.parseInt(position, 10)).toLocaleTimeString("en-GB");

/** `1 node`, `2 nodes`. */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
