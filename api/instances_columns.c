#include "api/instances_scan.h"

#include <stdlib.h>
#include <string.h>

/* The numbers of one column, scanned many at a time. @return false, the cursor as it was,
 * for anything else, which may be an error. */
static bool numbers_scan(struct instances_scan *s, size_t column, bool first) {
    struct rows *rows = s->rows, numbers = {0};
    struct cursor from = *s->c;
    struct err unread = {0};
    size_t input;
    bool ok = columns_number(&s->form->columns, column, &input) &&
              rows_scan_flat(s->c, first ? 0 : rows->rows_n, "", &numbers, &unread) &&
              (!first || rows_room(rows, numbers.columns_n, "", &unread));
    for (size_t i = 0; ok && i < numbers.columns_n; i++)
        rows->values[i * rows->columns_n + input] = numbers.values[i];
    if (ok)
        rows->rows_n = numbers.columns_n;
    else
        *s->c = from;
    rows_free(&numbers);
    return ok;
}

/* The cells of one column, from the top. The first column that comes makes the rows. */
static bool cells_scan(struct instances_scan *s, size_t column, bool first,
                       struct err *e) {
    struct rows *rows = s->rows;
    size_t n = 0;
    if (numbers_scan(s, column, first))
        return true;
    if (!cursor_expect(s->c, '[', "", e))
        return false;
    bool more = cursor_peek(s->c) != ']';
    s->c->at += !more;
    for (; more; n++) {
        if (first && !rows_room(rows, 1, "", e))
            return false;
        rows->rows_n += first;
        if (n == rows->rows_n)
            return err_set(e, ERR_INVALID, "", "expected %zu value%s, got more", n,
                           n == 1 ? "" : "s");
        if (!instances_cell(s, column, rows->values + n * rows->columns_n, e))
            return instances_below_index(e, n);
        if (!json_next_take(s->c, ']', &more, e))
            return false;
    }
    if (!n)
        return err_set(e, ERR_INVALID, "", "expected at least one value");
    return n == rows->rows_n ||
           err_set(e, ERR_INVALID, "", "expected %zu values, got %zu", rows->rows_n, n);
}

/* All rows under one name: numbers are scanned many at a time, whatever else they are
 * allowed to be one by one. */
static bool whole_scan(struct instances_scan *s, struct err *e) {
    struct cursor from = *s->c;
    struct err not_numbers = {0};
    if (rows_scan(s->c, s->form->columns.inputs_n, "", s->rows, &not_numbers))
        return true;
    *s->c = from;
    rows_free(s->rows);
    s->rows->columns_n = s->form->columns.inputs_n;
    return instances_rows(s, e);
}

static bool member_scan(struct instances_scan *s, bool first, bool *whole,
                        struct err *e) {
    struct instances_member member;
    bool ok = instances_member(s, &member, e);
    *whole = ok && first && instances_whole(s, &member);
    if (ok) {
        ok = *whole ? whole_scan(s, e)
                    : instances_see(s, &member, SEEN_ROW, e) &&
                          cells_scan(s, member.column, first, e);
        if (!ok)
            instances_below_key(e, &member.name);
    }
    free(member.name.owned);
    return ok;
}

static bool columns_scan(struct instances_scan *s, struct err *e) {
    if (!cursor_expect(s->c, '{', "", e))
        return false;
    bool more = cursor_peek(s->c) != '}', whole = false;
    s->c->at += !more;
    for (bool first = true; more; first = false) {
        if (!member_scan(s, first, &whole, e))
            return false;
        if (whole)
            return instances_whole_end(s, e);
        if (!json_next_take(s->c, '}', &more, e))
            return false;
    }
    return instances_complete(s, e);
}

bool instances_scan_columns(struct cursor *c, const struct instances_form *form,
                            struct rows *rows, struct err *e) {
    struct instances_scan s = {.c = c, .form = form, .rows = rows};
    bool ok =
        instances_open(&s, e) && (columns_scan(&s, e) || instances_below(e, form->path));
    instances_close(&s);
    return ok;
}
