#include "server/http_peek.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_field(const char *line, size_t n, const char *name) {
    size_t name_n = strlen(name);
    return n > name_n && line[name_n] == ':' && strncasecmp(line, name, name_n) == 0;
}

static uint64_t number_of(const char *line, size_t n) {
    uint64_t number = 0;
    for (size_t i = 0; i < n && number < UINT64_MAX / 100; i++)
        if (line[i] >= '0' && line[i] <= '9')
            number = number * 10 + (uint64_t)(line[i] - '0');
    return number;
}

uint64_t http_peek_length(const char *bytes, size_t n) {
    static const char length[] = "Content-Length", coding[] = "Transfer-Encoding";
    for (const char *end = bytes + n, *next; bytes < end; bytes = next + 1) {
        next = memchr(bytes, '\n', (size_t)(end - bytes));
        if (!next)
            return 0;
        size_t line_n = (size_t)(next - bytes);
        if (line_n == 0 || (line_n == 1 && *bytes == '\r'))
            return 0; /* the end of the head */
        if (is_field(bytes, line_n, length))
            return number_of(bytes + sizeof length, line_n - sizeof length);
        if (is_field(bytes, line_n, coding))
            return UINT64_MAX;
    }
    return 0;
}
