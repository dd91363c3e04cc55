#include "tests/bench/json_peers.h"

#include <charconv>
#include <simdjson.h>

static_assert(PEER_PADDING >= simdjson::SIMDJSON_PADDING, "what it may read");

static simdjson::ondemand::document document_of(const char *body, size_t n) {
    static simdjson::ondemand::parser parser;
    return parser.iterate(body, n, n + PEER_PADDING);
}

static size_t rows_read(const char *body, size_t n, float *values) {
    auto document = document_of(body, n);
    size_t used = 0;
    for (auto row : document["instances"])
        for (double value : row)
            values[used++] = (float)value;
    return used;
}

static size_t named_read(const char *body, size_t n, float *values) {
    auto document = document_of(body, n);
    size_t used = 0;
    for (auto row : document["instances"])
        for (auto field : row.get_object())
            values[used++] = (float)field.value().get_double();
    return used;
}

size_t peer_simdjson(const char *body, size_t n, float *values) {
    try {
        return rows_read(body, n, values);
    } catch (const simdjson::simdjson_error &) {
        return 0;
    }
}

size_t peer_simdjson_named(const char *body, size_t n, float *values) {
    try {
        return named_read(body, n, values);
    } catch (const simdjson::simdjson_error &) {
        return 0;
    }
}

size_t peer_to_chars(float value, char *text, size_t text_n) {
    return (size_t)(std::to_chars(text, text + text_n, value).ptr - text);
}
