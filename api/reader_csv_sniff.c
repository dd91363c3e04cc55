/* A CSV file's delimiter and header, from its first records.
 *
 * The delimiter is the one of , ; and tab that cuts all of them into the same number of
 * cells, more than one; of several the one that makes most. Where none does, the one that
 * makes most of the first record: its other records are then refused as ragged.
 *
 * The first record is a header when at least one of its cells is a text, the others are
 * texts, empty, or the column's own number (counted from 0 or from 1), and
 *   - a column whose name is a text holds numbers or booleans alone below, or
 *   - all names are texts, all different, and none comes again below in its column. */
#include "api/reader_csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SNIFF_RECORDS_MAX = 64, SNIFF_RECORDS_ENOUGH = 2 };

struct sample_record {
    const char *bytes;
    struct csv_span *spans; /* owned */
    size_t spans_n;
};

/* The first records under one delimiter. */
struct sample {
    struct sample_record records[SNIFF_RECORDS_MAX];
    size_t n;
    bool even; /* all have the same number of cells */
};

static void sample_free(struct sample *s) {
    for (size_t i = 0; i < s->n; i++)
        free(s->records[i].spans);
    s->n = 0;
}

static bool sample_add(struct sample *s, const struct csv_record *r, const char *bytes,
                       struct err *e) {
    struct csv_span *spans = malloc(r->spans_n * sizeof *spans);
    if (!spans)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the first rows");
    memcpy(spans, r->spans, r->spans_n * sizeof *spans);
    s->even &= s->n == 0 || r->spans_n == s->records[0].spans_n;
    s->records[s->n++] = (struct sample_record){bytes, spans, r->spans_n};
    return true;
}

/* Bytes that cannot be split end the sample; reading finds and names what is wrong. */
static bool sample_take(struct sample *s, const char *bytes, size_t n, bool ended,
                        char delimiter, struct err *e) {
    struct csv_record r;
    reader_csv_record_init(&r, delimiter, SIZE_MAX);
    *s = (struct sample){.even = true};
    bool ok = true;
    while (ok && n > 0 && s->n < SNIFF_RECORDS_MAX) {
        reader_csv_record_restart(&r);
        enum csv_split split = reader_csv_split(&r, bytes, n);
        if (split == CSV_MORE && ended)
            split = reader_csv_split_end(&r, bytes, n);
        if (split == CSV_NO_MEMORY)
            ok = err_set(e, ERR_NO_MEMORY, NULL, "no memory for the first rows");
        if (split != CSV_RECORD)
            break;
        if (!reader_csv_record_blank(&r))
            ok = sample_add(s, &r, bytes, e);
        bytes += r.at;
        n -= r.at;
    }
    reader_csv_record_free(&r);
    return ok;
}

static bool sample_better(const struct sample *a, const struct sample *than) {
    if (a->n == 0 || a->records[0].spans_n < 2)
        return false;
    if (than->n == 0 || than->records[0].spans_n < 2)
        return true;
    if (a->even != than->even)
        return a->even;
    return a->records[0].spans_n > than->records[0].spans_n;
}

static enum cell_kind span_kind(const struct sample_record *r, size_t c, double *number) {
    const struct csv_span *span = &r->spans[c];
    return reader_csv_cell_kind(r->bytes + span->at, span->n, span->quoted, number);
}

static bool span_equal(const struct sample_record *a, size_t i,
                       const struct sample_record *b, size_t j) {
    const struct csv_span *p = &a->spans[i], *q = &b->spans[j];
    return p->n == q->n && memcmp(a->bytes + p->at, b->bytes + q->at, p->n) == 0;
}

/* A name in quotes is a text, whatever it spells. */
static bool name_is_text(const struct sample_record *head, size_t c, double *number) {
    return (head->spans[c].quoted && head->spans[c].n > 0) ||
           span_kind(head, c, number) == CELL_TEXT;
}

/* How many names are texts; -1 when one is what no name is. */
static long names_count(const struct sample_record *head) {
    long texts_n = 0;
    double base = -1, number = 0;
    for (size_t c = 0; c < head->spans_n; c++) {
        if (name_is_text(head, c, &number)) {
            texts_n++;
            continue;
        }
        enum cell_kind kind = span_kind(head, c, &number);
        if (kind == CELL_BOOLEAN)
            return -1;
        if (kind != CELL_NUMBER)
            continue;
        double from = number - (double)c;
        if ((from != 0 && from != 1) || (base >= 0 && from != base))
            return -1;
        base = from;
    }
    return texts_n;
}

/* A text above a column of numbers or booleans. */
static bool column_below_differs(const struct sample *s, size_t c) {
    double number;
    size_t values_n = 0;
    if (!name_is_text(&s->records[0], c, &number))
        return false;
    for (size_t i = 1; i < s->n; i++) {
        if (c >= s->records[i].spans_n)
            return false;
        enum cell_kind kind = span_kind(&s->records[i], c, &number);
        if (kind == CELL_TEXT)
            return false;
        values_n += kind != CELL_MISSING;
    }
    return values_n > 0;
}

static bool name_comes_again(const struct sample *s, size_t c) {
    for (size_t i = 1; i < s->n; i++)
        if (c < s->records[i].spans_n && span_equal(&s->records[0], c, &s->records[i], c))
            return true;
    return false;
}

/* Few columns are compared in pairs; many texts in a first record are names anyway. */
static bool names_differ(const struct sample_record *head) {
    enum { COMPARED_MAX = 512 };
    size_t n = head->spans_n < COMPARED_MAX ? head->spans_n : COMPARED_MAX;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            if (span_equal(head, i, head, j))
                return false;
    return true;
}

static bool header_stands(const struct sample *s) {
    if (s->n == 0)
        return false;
    const struct sample_record *head = &s->records[0];
    long texts_n = names_count(head);
    if (texts_n <= 0)
        return false;
    for (size_t c = 0; c < head->spans_n; c++)
        if (column_below_differs(s, c))
            return true;
    if ((size_t)texts_n < head->spans_n || !names_differ(head))
        return false;
    for (size_t c = 0; c < head->spans_n; c++)
        if (name_comes_again(s, c))
            return false;
    return true;
}

bool reader_csv_sniff(const char *bytes, size_t n, bool ended, char delimiter, int header,
                      struct csv_found *found, struct err *e) {
    static const char CANDIDATES[] = {',', ';', '\t'};
    struct sample best = {0};
    bool ok = true, enough = ended;
    *found = (struct csv_found){.delimiter = delimiter ? delimiter : ','};
    for (size_t i = 0; ok && i < sizeof CANDIDATES; i++) {
        char candidate = delimiter ? delimiter : CANDIDATES[i];
        struct sample sample;
        ok = sample_take(&sample, bytes, n, ended, candidate, e);
        enough |= sample.n >= SNIFF_RECORDS_ENOUGH;
        if (i == 0 || sample_better(&sample, &best)) {
            sample_free(&best);
            best = sample;
            found->delimiter = candidate;
        } else {
            sample_free(&sample);
        }
        if (delimiter)
            break;
    }
    found->header = header < 0 ? header_stands(&best) : header != 0;
    sample_free(&best);
    return ok && enough;
}
