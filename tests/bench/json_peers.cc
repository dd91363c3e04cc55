#include "tests/bench/json_peers.h"

#include <charconv>
#include <simdjson.h>

static_assert(PEER_PADDING >= simdjson::SIMDJSON_PADDING, "what it may read");

static size_t rows_read(const char *body, size_t n, float *values) {
    static simdjson::ondemand::parser parser;
    auto document = parser.iterate(body, n, n + PEER_PADDING);
    size_t used = 0;
    for (auto row : document["instances"])
        for (double value : row)
            values[used++] = (float)value;
    return used;
}

size_t peer_simdjson(const char *body, size_t n, float *values) {
    try {
        return rows_read(body, n, values);
    } catch (const simdjson::simdjson_error &) {
        return 0;
    }
}

size_t peer_to_chars(float value, char *text, size_t text_n) {
    return (size_t)(std::to_chars(text, text + text_n, value).ptr - text);
}
