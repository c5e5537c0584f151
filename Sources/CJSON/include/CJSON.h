/* A C face for the little that is needed of simdjson: is this JSON, and what are the fields of a small command object.
 * No allocation outlives a call except the parser itself, one per thread. */
#ifndef PERSEID_CJSON_H
#define PERSEID_CJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a valid text is at its top level. */
typedef enum cjson_kind {
    CJSON_INVALID = 0,
    CJSON_OBJECT = 1,
    CJSON_ARRAY = 2,
    CJSON_SCALAR = 3,
} cjson_kind;

/* Validates a whole JSON text (RFC 8259, UTF-8, no byte order mark). Refused although the grammar allows them: nesting
 * deeper than 1,024, and escapes of one half of a surrogate pair, which stand for no character. */
cjson_kind cjson_validate(const void *_Nullable bytes, size_t count);

/* The raw text of one value inside the bytes that were parsed. `start` is an offset into them; `count` 0 means absent. */
typedef struct cjson_field {
    size_t start;
    size_t count;
} cjson_field;

/* Validates an object and finds the raw text (quotes included) of each of `names_count` top-level fields, the last one
 * winning where a name is doubled. Names are compared unescaped. Returns false if the bytes are not one valid JSON object. */
bool cjson_find_fields(const void *_Nonnull bytes, size_t count, const char *_Nonnull const *_Nonnull names,
                       size_t names_count, cjson_field *_Nonnull fields);

/* Validates an array and finds the raw text of its elements, of the first `elements_max` of them. Returns how many there are, or -1
 * if the bytes are not one valid JSON array. */
ptrdiff_t cjson_find_elements(const void *_Nonnull bytes, size_t count, cjson_field *_Nullable elements, size_t elements_max);

/* Validates an object and finds the raw text of its members: names (with their quotes) and values, of the first `members_max` of
 * them. Returns how many there are, or -1 if the bytes are not one valid JSON object. */
ptrdiff_t cjson_find_members(const void *_Nonnull bytes, size_t count, cjson_field *_Nullable names, cjson_field *_Nullable values,
                             size_t members_max);

/* Unescapes one raw JSON string (with its quotes) into `out`, which has room for `count` bytes. Returns the number of
 * bytes written, or -1 if it is not a string. */
ptrdiff_t cjson_unescape(const void *_Nonnull raw, size_t count, void *_Nonnull out);

#ifdef __cplusplus
}
#endif

#endif
