import { stands } from "./pattern.mjs";
import { isAfter } from "./position.mjs";

/** Bytes of a cursor's text at most: what a node gives out is no longer, and proxies let such a line through. */
const textBytesMax = 12288;

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

    /** As text. What is too much for that is let go of, but for these channels. */
    text(channels) {
        const text = () => Array.from(this, ([channel, position]) => `${encodeURIComponent(channel)}@${position}`).join();
        for (const [channel, position] of this) {
            if (channels.has(channel) || text().length < textBytesMax) continue;
            // It moved longest ago: until then all is there, say the patterns that stand for it.
            this.delete(channel);
            for (const pattern of channels) {
                if (stands(pattern, channel) && isAfter(position, this.get(pattern))) this.set(pattern, position);
            }
        }
        return text();
    }
}
