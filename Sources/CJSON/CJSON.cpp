#include "CJSON.h"

#include <simdjson.h>

#include <cstring>
#include <string_view>

namespace {

/* simdjson reads up to SIMDJSON_PADDING bytes past the end, so the input is copied once into a padded buffer that each
 * thread keeps. */
struct Scratch {
    simdjson::dom::parser parser;
    std::unique_ptr<char[]> text;
    size_t capacity = 0;

    const char *pad(const void *bytes, size_t count) {
        const size_t needed = count + simdjson::SIMDJSON_PADDING;
        if (needed > capacity) {
            text.reset(new char[needed * 2]);
            capacity = needed * 2;
        }
        std::memcpy(text.get(), bytes, count);
        std::memset(text.get() + count, 0, simdjson::SIMDJSON_PADDING);
        return text.get();
    }
};

Scratch &scratch() {
    static thread_local Scratch instance;
    return instance;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

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
            while (text[at] != ',' && text[at] != '}' && !is_space(text[at])) at++;
        }
    }
};

}  // namespace

extern "C" cjson_kind cjson_validate(const void *bytes, size_t count) {
    if (count == 0) return CJSON_INVALID;
    Scratch &own = scratch();
    simdjson::dom::element root;
    if (own.parser.parse(own.pad(bytes, count), count, false).get(root)) return CJSON_INVALID;
    switch (root.type()) {
        case simdjson::dom::element_type::OBJECT: return CJSON_OBJECT;
        case simdjson::dom::element_type::ARRAY: return CJSON_ARRAY;
        default: return CJSON_SCALAR;
    }
}

extern "C" bool cjson_find_fields(const void *bytes, size_t count, const char *const *names, size_t names_count,
                                  cjson_field *fields) {
    if (cjson_validate(bytes, count) != CJSON_OBJECT) return false;
    for (size_t i = 0; i < names_count; i++) fields[i] = {0, 0};
    Walker walker{scratch().text.get(), 0};
    walker.skip_space();
    walker.at++;
    for (;;) {
        walker.skip_space();
        if (walker.text[walker.at] == '}') return true;
        if (walker.text[walker.at] == ',') {
            walker.at++;
            continue;
        }
        const size_t key_start = walker.at + 1;
        walker.skip_string();
        const std::string_view key(walker.text + key_start, walker.at - 1 - key_start);
        walker.skip_space();
        walker.at++;
        walker.skip_space();
        const size_t value_start = walker.at;
        walker.skip_value();
        for (size_t i = 0; i < names_count; i++) {
            if (key == names[i]) fields[i] = {value_start, walker.at - value_start};
        }
    }
}

extern "C" ptrdiff_t cjson_unescape(const void *raw, size_t count, void *out) {
    Scratch &own = scratch();
    simdjson::dom::element root;
    std::string_view text;
    if (own.parser.parse(own.pad(raw, count), count, false).get(root) || root.get(text)) return -1;
    std::memcpy(out, text.data(), text.size());
    return static_cast<ptrdiff_t>(text.size());
}
