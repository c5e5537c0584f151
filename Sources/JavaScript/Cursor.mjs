import { stands } from "./pattern.mjs";
import { isAfter } from "./position.mjs";

/** Bytes of a cursor's text at most: what a node takes is some longer, for the positions of patterns grow as they move. */
const textBytesMax = 12e3;

/**
 * Where a client is: a position for each of its channels, the longest unmoved first.
 *
 * A pattern's entry says until when all is there of the channels that have no entry of their own.
 */
export class Cursor extends Map {
    set(channel, position) {
        this.delete(channel);
        return super.set(channel, position);
    }

    /** Takes a cursor as a node tells it. */
    take(text) {
        for (const [, channel, position] of text.matchAll(/([^,]+)@([^,]+)/g)) this.set(decodeURIComponent(channel), position);
    }

    /** Takes the places of somebody who may have had less. Says whether it went back anywhere. */
    goBack(positions) {
        let isBehind = false;
        for (const [channel, position] of positions) {
            const own = this.get(channel);
            if (own && !isAfter(own, position)) continue;
            isBehind ||= own;
            this.set(channel, position);
        }
        return isBehind;
    }

    /** Lets go of what is not read by these names. Says whether there was anything. */
    keep(names) {
        let isLess;
        for (const [channel] of this) if (![...names].some((name) => stands(name, channel))) isLess = this.delete(channel);
        return isLess;
    }

    /** As text. What is too much for that is let go of, but for these channels. */
    text(channels) {
        const text = (entries) => Array.from(entries, ([channel, position]) => `${encodeURIComponent(channel)}@${position}`).join();
        let excess = text(this).length - textBytesMax;
        for (const [channel, position] of this) {
            if (channels.has(channel) || excess < 0) continue;
            // It moved longest ago: until then all is there, say the patterns that stand for it.
            this.delete(channel);
            excess -= text([[channel, position]]).length + 1;
            for (const pattern of channels) {
                if (stands(pattern, channel) && isAfter(position, this.get(pattern))) this.set(pattern, position);
            }
        }
        return text(this);
    }
}
