#include "CJSON.h"

#include <simdjson.h>

#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace {

using simdjson::dom::element;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Whether no token can go on over this character. The zeros of the padding end every one. */
bool is_delimiter(char c) { return c == ',' || c == '}' || c == ']' || c == ':' || c == '\0' || is_space(c); }

/* Where the number (RFC 8259 section 6) at `at` ends; `at` itself if there is none. */
size_t end_of_number(const char *text, size_t at) {
    size_t end = at;
    if (text[end] == '-') end++;
    if (!is_digit(text[end])) return at;
    if (text[end] == '0') {
        end++;
    } else {
        while (is_digit(text[end])) end++;
    }
    if (text[end] == '.') {
        if (!is_digit(text[++end])) return at;
        while (is_digit(text[end])) end++;
    }
    if (text[end] == 'e' || text[end] == 'E') {
        end++;
        if (text[end] == '+' || text[end] == '-') end++;
        if (!is_digit(text[end])) return at;
        while (is_digit(text[end])) end++;
    }
    return is_delimiter(text[end]) ? end : at;
}

/* simdjson reads up to SIMDJSON_PADDING bytes past the end, so the input is copied once into a padded buffer that each
 * thread keeps. */
struct Scratch {
    simdjson::dom::parser parser;
    std::unique_ptr<char[]> text;
    size_t capacity = 0;

    /* False only if there is no memory for it, or it is beyond what simdjson can take. */
    bool load(const void *bytes, size_t count) {
        if (count > simdjson::SIMDJSON_MAXSIZE_BYTES - simdjson::SIMDJSON_PADDING) return false;
        const size_t needed = count + simdjson::SIMDJSON_PADDING;
        if (needed > capacity) {
            capacity = 0;
            text.reset(new (std::nothrow) char[needed * 2]);
            if (!text) return false;
            capacity = needed * 2;
        }
        std::memcpy(text.get(), bytes, count);
        std::memset(text.get() + count, 0, simdjson::SIMDJSON_PADDING);
        return true;
    }

    /* Parses a text; offsets into `text` are then offsets into the caller's bytes. */
    bool parse(const void *bytes, size_t count, element &root) {
        if (count == 0 || !load(bytes, count)) return false;
        /* Newer versions of simdjson skip a byte order mark; embedded in another text it would be an error. */
        if (count >= 3 && std::memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) return false;
        simdjson::error_code error = parser.parse(text.get(), count, false).get(root);
        if (error == simdjson::NUMBER_ERROR) {
            flatten_numbers(count);
            error = parser.parse(text.get(), count, false).get(root);
        }
        return error == simdjson::SUCCESS;
    }

    /* simdjson refuses numbers that fit neither 64 bits nor a double, but JSON knows no such limit and nobody computes
     * with them here. So every well-formed number of the copy becomes a 0 and spaces: as long, and as valid. */
    void flatten_numbers(size_t count) {
        char *const copy = text.get();
        size_t at = 0;
        while (at < count) {
            const char c = copy[at];
            if (c == '"') {
                at++;
                while (at < count && copy[at] != '"') at += copy[at] == '\\' ? 2 : 1;
                at++;
            } else if (c == '-' || is_digit(c)) {
                const size_t end = end_of_number(copy, at);
                if (end > at) {
                    std::memset(copy + at, ' ', end - at);
                    copy[at] = '0';
                    at = end;
                }
                while (at < count && !is_delimiter(copy[at]) && copy[at] != '"') at++;
            } else {
                at++;
            }
        }
    }
};

Scratch &scratch() {
    static thread_local Scratch instance;
    return instance;
}

/* Walks text that is already known to be valid JSON. */
struct Walker {
    const char *text;
    size_t at;

    void skip_space() {
        while (is_space(text[at])) at++;
    }

    void skip_string() {
        at++;
        while (text[at] != '"') at += text[at] == '\\' ? 2 : 1;
        at++;
    }

    void skip_value() {
        if (text[at] == '"') {
            skip_string();
        } else if (text[at] == '{' || text[at] == '[') {
            size_t depth = 0;
            do {
                const char c = text[at];
                if (c == '"') {
                    skip_string();
                    continue;
                }
                if (c == '{' || c == '[') depth++;
                if (c == '}' || c == ']') depth--;
                at++;
            } while (depth > 0);
        } else {
            while (!is_delimiter(text[at])) at++;
        }
    }
};

}  // namespace

extern "C" cjson_kind cjson_validate(const void *bytes, size_t count) {
    element root;
    if (!scratch().parse(bytes, count, root)) return CJSON_INVALID;
    switch (root.type()) {
        case simdjson::dom::element_type::OBJECT: return CJSON_OBJECT;
        case simdjson::dom::element_type::ARRAY: return CJSON_ARRAY;
        default: return CJSON_SCALAR;
    }
}

extern "C" bool cjson_find_fields(const void *bytes, size_t count, const char *const *names, size_t names_count,
                                  cjson_field *fields) {
    for (size_t i = 0; i < names_count; i++) fields[i] = {0, 0};
    element root;
    simdjson::dom::object object;
    if (!scratch().parse(bytes, count, root) || root.get(object)) return false;

    /* Over the caller's bytes, not the copy: numbers may be flattened there. A valid object ends in a brace, which stops
     * every step of the walk, so it needs no padding. */
    Walker walker{static_cast<const char *>(bytes), 0};
    walker.skip_space();
    walker.at++;
    /* The parser gives the keys unescaped, in the order of the text; the walk beside it gives the offsets. A key that is
     * spelt with escapes is the same key: to overlook it would let two readers see two different messages. */
    for (simdjson::dom::key_value_pair field : object) {
        walker.skip_space();
        if (walker.text[walker.at] == ',') walker.at++;
        walker.skip_space();
        walker.skip_string();
        walker.skip_space();
        walker.at++; /* the colon */
        walker.skip_space();
        const size_t start = walker.at;
        walker.skip_value();
        for (size_t i = 0; i < names_count; i++) {
            if (field.key == names[i]) fields[i] = {start, walker.at - start};
        }
    }
    return true;
}

extern "C" ptrdiff_t cjson_find_elements(const void *bytes, size_t count, cjson_field *elements, size_t elements_max) {
    element root;
    simdjson::dom::array array;
    if (!scratch().parse(bytes, count, root) || root.get(array)) return -1;

    /* As above, over the caller's bytes: a valid array ends in a bracket, which stops every step of the walk. */
    Walker walker{static_cast<const char *>(bytes), 0};
    walker.skip_space();
    walker.at++;
    size_t found = 0;
    for ([[maybe_unused]] simdjson::dom::element each : array) {
        walker.skip_space();
        if (walker.text[walker.at] == ',') walker.at++;
        walker.skip_space();
        const size_t start = walker.at;
        walker.skip_value();
        if (found < elements_max) elements[found] = {start, walker.at - start};
        found++;
    }
    return static_cast<ptrdiff_t>(found);
}

extern "C" ptrdiff_t cjson_find_members(const void *bytes, size_t count, cjson_field *names, cjson_field *values,
                                       size_t members_max) {
    element root;
    simdjson::dom::object object;
    if (!scratch().parse(bytes, count, root) || root.get(object)) return -1;

    Walker walker{static_cast<const char *>(bytes), 0};
    walker.skip_space();
    walker.at++;
    size_t found = 0;
    for ([[maybe_unused]] simdjson::dom::key_value_pair each : object) {
        walker.skip_space();
        if (walker.text[walker.at] == ',') walker.at++;
        walker.skip_space();
        const size_t name = walker.at;
        walker.skip_string();
        const size_t name_end = walker.at;
        walker.skip_space();
        walker.at++; /* the colon */
        walker.skip_space();
        const size_t value = walker.at;
        walker.skip_value();
        if (found < members_max) {
            names[found] = {name, name_end - name};
            values[found] = {value, walker.at - value};
        }
        found++;
    }
    return static_cast<ptrdiff_t>(found);
}

extern "C" ptrdiff_t cjson_unescape(const void *raw, size_t count, void *out) {
    element root;
    std::string_view text;
    if (!scratch().parse(raw, count, root) || root.get(text) || text.size() > count) return -1;
    std::memcpy(out, text.data(), text.size());
    return static_cast<ptrdiff_t>(text.size());
}
