/* zlib's streams. What begins one is a macro, which Swift cannot call. */
#ifndef PERSEID_CZLIB_SHIM_H
#define PERSEID_CZLIB_SHIM_H

#include <zlib.h>

static inline int czlib_begin_deflate(z_stream *stream, int level, int window_bits, int memory_level) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}

static inline int czlib_begin_inflate(z_stream *stream, int window_bits) {
    return inflateInit2(stream, window_bits);
}

#endif
