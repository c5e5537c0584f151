/** Digits of the longest number in a position: they have 64 bits, which no number of JavaScript holds. */
const digitCountMax = 20;

/** Whether a position, `<milliseconds>-<number>`, is behind another one; where there is no other, it is. */
export function isAfter(position, other = "") {
    return sortable(position) > sortable(other);
}

function sortable(position) {
    return position.replace(/\d+/g, (digits) => digits.padStart(digitCountMax, "0"));
}
