#include "internal.h"

/* SHA-1 (FIPS 180-4) of one short message. The floor must depend on nothing, and the handshake needs one hash of 60
 * bytes: two blocks. */

static uint32_t rotate_left(uint32_t value, int bits) { return value << bits | value >> (32 - bits); }

static void add_block(uint32_t state[5], const uint8_t *block) {
    uint32_t words[80];
    for (int i = 0; i < 16; i++)
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
                   block[4 * i + 3];
    for (int i = 16; i < 80; i++) words[i] = rotate_left(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);

    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < 80; i++) {
        uint32_t mix = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999u
                       : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1u
                       : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcu
                                : (b ^ c ^ d) + 0xca62c1d6u;
        uint32_t next = rotate_left(a, 5) + mix + e + words[i];
        e = d;
        d = c;
        c = rotate_left(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

/* At most 119 bytes: what fits into two blocks with the padding. */
static void sha1_short(const uint8_t *message, size_t count, uint8_t digest[20]) {
    uint32_t state[5] = {0x67452301u, 0xefcdab89u, 0x98badcfeu, 0x10325476u, 0xc3d2e1f0u};
    uint8_t blocks[128] = {0};
    size_t total = count <= 55 ? 64 : 128;
    memcpy(blocks, message, count);
    blocks[count] = 0x80;
    blocks[total - 2] = (uint8_t)(count * 8 >> 8);
    blocks[total - 1] = (uint8_t)(count * 8);
    for (size_t offset = 0; offset < total; offset += 64) add_block(state, blocks + offset);
    for (int i = 0; i < 20; i++) digest[i] = (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
}

void bench_websocket_accept(const void *key, size_t key_count, void *accept) {
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = accept;
    uint8_t message[119], digest[21] = {0};
    if (key_count > sizeof message - 36) key_count = sizeof message - 36;
    memcpy(message, key, key_count);
    memcpy(message + key_count, magic, 36);
    sha1_short(message, key_count + 36, digest);
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)digest[3 * i] << 16 | (uint32_t)digest[3 * i + 1] << 8 | digest[3 * i + 2];
        for (int j = 0; j < 4; j++) text[4 * i + j] = alphabet[three >> (18 - 6 * j) & 63];
    }
    text[27] = '=';
}
