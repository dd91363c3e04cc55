/* Records into cells. */
#include "api/reader_csv.h"

#include <stdlib.h>
#include <string.h>

void reader_csv_record_init(struct csv_record *r, char delimiter, size_t spans_max) {
    *r = (struct csv_record){.delimiter = delimiter, .spans_max = spans_max};
    r->ends['\n'] = r->ends['\r'] = r->ends[(unsigned char)delimiter] = true;
}

void reader_csv_record_free(struct csv_record *r) {
    free(r->spans);
    r->spans = NULL;
}

void reader_csv_record_restart(struct csv_record *r) {
    r->spans_n = r->at = 0;
    r->state = CSV_CELL_START;
}

bool reader_csv_record_blank(const struct csv_record *r) {
    return r->spans_n == 1 && !r->spans[0].quoted && r->spans[0].n == 0;
}

/* @return CSV_RECORD when there was room. */
static enum csv_split span_add(struct csv_record *r, struct csv_span span) {
    if (r->spans_n == r->spans_max)
        return CSV_COLUMNS;
    if (r->spans_n == r->spans_capacity) {
        size_t capacity = r->spans_capacity ? r->spans_capacity * 2 : 32;
        struct csv_span *spans = realloc(r->spans, capacity * sizeof *spans);
        if (!spans)
            return CSV_NO_MEMORY;
        r->spans = spans;
        r->spans_capacity = capacity;
    }
    r->spans[r->spans_n++] = span;
    return CSV_RECORD;
}

static inline bool is_blank(const struct csv_record *r, char c) {
    return (c == ' ' || c == '\t') && c != r->delimiter;
}

static inline void blanks_skip(struct csv_record *r, const char *bytes, size_t n) {
    while (r->at < n && is_blank(r, bytes[r->at]))
        r->at++;
}

/* The plain cell that ends before `at`. */
static enum csv_split plain_add(struct csv_record *r, const char *bytes) {
    size_t end = r->at;
    while (end > r->cell_at && is_blank(r, bytes[end - 1]))
        end--;
    return span_add(r, (struct csv_span){.at = r->cell_at, .n = end - r->cell_at});
}

/* The quoted cell whose closing quote stands before `at`. */
static enum csv_split quoted_add(struct csv_record *r) {
    r->state = CSV_CELL_BEHIND;
    return span_add(r, (struct csv_span){.at = r->cell_at,
                                         .n = r->at - 1 - r->cell_at,
                                         .quoted = true,
                                         .doubled = r->doubled});
}

/* From a cell's first character; leaves the state on what the cell is. */
static inline void cell_start(struct csv_record *r, const char *bytes, size_t n) {
    blanks_skip(r, bytes, n);
    if (r->at == n)
        return;
    bool quoted = bytes[r->at] == '"';
    r->state = quoted ? CSV_QUOTED : CSV_PLAIN;
    r->doubled = false;
    r->at += quoted;
    r->cell_at = r->at;
}

/* Inside quotes, and on the character behind a quote. */
static enum csv_split quoted_split(struct csv_record *r, const char *bytes, size_t n) {
    while (r->at < n) {
        if (r->state == CSV_QUOTED) {
            const char *quote = memchr(bytes + r->at, '"', n - r->at);
            r->at = quote ? (size_t)(quote - bytes) + 1 : n;
            r->state = quote ? CSV_QUOTE : CSV_QUOTED;
        } else if (bytes[r->at] == '"') {
            r->at++;
            r->doubled = true;
            r->state = CSV_QUOTED;
        } else {
            return quoted_add(r);
        }
    }
    return CSV_MORE;
}

static inline enum csv_split plain_split(struct csv_record *r, const char *bytes,
                                         size_t n) {
    size_t at = r->at;
    while (at < n && !r->ends[(unsigned char)bytes[at]])
        at++;
    r->at = at;
    return at == n ? CSV_MORE : plain_add(r, bytes);
}

enum csv_split reader_csv_split(struct csv_record *r, const char *bytes, size_t n) {
    while (r->at < n) {
        if (r->state == CSV_CELL_START)
            cell_start(r, bytes, n);
        enum csv_split added = CSV_RECORD;
        if (r->state == CSV_PLAIN)
            added = plain_split(r, bytes, n);
        else if (r->state == CSV_QUOTED || r->state == CSV_QUOTE)
            added = quoted_split(r, bytes, n);
        if (added != CSV_RECORD)
            return added;
        if (r->state == CSV_CELL_BEHIND)
            blanks_skip(r, bytes, n);
        if (r->at == n)
            return CSV_MORE;
        char end = bytes[r->at];
        if (!r->ends[(unsigned char)end])
            return CSV_BEHIND;
        r->at++;
        r->state = CSV_CELL_START;
        if (end != r->delimiter)
            return CSV_RECORD;
    }
    return CSV_MORE;
}

enum csv_split reader_csv_split_end(struct csv_record *r, const char *bytes, size_t n) {
    r->at = n;
    switch (r->state) {
    case CSV_CELL_START:
        r->cell_at = n;
        return plain_add(r, bytes);
    case CSV_PLAIN:
        return plain_add(r, bytes);
    case CSV_QUOTE:
        r->at = n; /* the quote was the last byte */
        return quoted_add(r);
    case CSV_CELL_BEHIND:
        return CSV_RECORD;
    case CSV_QUOTED:
        break;
    }
    return CSV_MORE;
}
