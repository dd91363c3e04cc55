#include "api/json_cell.h"

#include <stdlib.h>
#include <string.h>

#include "api/base64.h"
#include "api/number.h"
#include "api/utf8.h"

enum { STRING_BYTES_MAX = 1 << 20 };

static bool word_take(struct cursor *c, const char *word) {
    size_t n = strlen(word);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0)
        return false;
    c->at += n;
    return true;
}

static bool text_scan(struct cursor *c, struct json_cell *cell, struct err *e) {
    struct cursor_text text;
    if (!cursor_text(c, STRING_BYTES_MAX, &text, "", e))
        return false;
    cell->text = text.owned;
    cell->cell = (struct cell){.kind = CELL_TEXT, .text = text.text, .text_n = text.n};
    return true;
}

bool json_base64_stands(const struct cursor *c) {
    static const char key[] = "\"b64\"";
    struct cursor at = *c;
    if (cursor_peek(&at) != '{')
        return false;
    at.at++;
    cursor_peek(&at);
    return word_take(&at, key);
}

/* {"b64":"..."}, and nothing else in it. */
static bool base64_scan(struct cursor *c, struct json_cell *cell, struct err *e) {
    if (!json_base64_stands(c))
        return err_set(e, ERR_INVALID, "",
                       "expected a value, or one in base64 as {\"b64\":\"...\"}, got "
                       "another object");
    c->at++;
    if (!cursor_skip(c, 0, "", e) || !cursor_expect(c, ':', "", e))
        return false;
    if (cursor_peek(c) != '"')
        return err_set(e, ERR_INVALID, "", "expected a text in base64, got %s",
                       cursor_kind(c));
    size_t n;
    cell->text = cursor_string(c, STRING_BYTES_MAX, "", e);
    if (!cell->text || !cursor_expect(c, '}', "", e))
        return false;
    if (!base64_decode(cell->text, strlen(cell->text), &n))
        return err_set(e, ERR_INVALID, "", "this is not base64");
    if (utf8_prefix(cell->text, n) < n)
        return err_set(e, ERR_INVALID, "", "expected UTF-8 in base64, got other bytes");
    cell->cell = (struct cell){.kind = CELL_TEXT, .text = cell->text, .text_n = n};
    return true;
}

static bool scalar_scan(struct cursor *c, unsigned allowed, struct json_cell *cell,
                        struct err *e) {
    char first = cursor_peek(c);
    cell->cell = (struct cell){.kind = CELL_MISSING, .text = c->at};
    if (first == '"')
        return text_scan(c, cell, e);
    if (first == '{' && allowed & JSON_CELL_BASE64)
        return base64_scan(c, cell, e);
    if ((allowed & JSON_CELL_MISSING && word_take(c, "null")) ||
        (allowed & JSON_CELL_NAN && word_take(c, "NaN")))
        return true;
    bool is_true = word_take(c, "true");
    if (is_true || word_take(c, "false")) {
        cell->cell.kind = CELL_BOOLEAN;
        cell->cell.number = is_true;
    } else {
        enum number_scan got = number_scan_double(&c->at, c->end, &cell->cell.number);
        if (got == NUMBER_TOO_LARGE)
            return err_set(e, ERR_RANGE, "", "a number outside float32");
        if (got != NUMBER_OK)
            return err_set(e, ERR_INVALID, "", "expected %s, got %s",
                           cursor_token(c) ? "a number that is finite" : "a cell",
                           cursor_kind(c));
        cell->cell.kind = CELL_NUMBER;
    }
    cell->cell.text_n = (size_t)(c->at - cell->cell.text);
    return true;
}

bool json_cell_scan(struct cursor *c, unsigned allowed, struct json_cell *cell,
                    struct err *e) {
    size_t depth = 0;
    cell->text = NULL;
    while (allowed & JSON_CELL_LIST && depth < JSON_CELL_LISTS_MAX &&
           cursor_peek(c) == '[') {
        c->at++;
        depth++;
    }
    if (!scalar_scan(c, allowed, cell, e))
        return false;
    for (; depth; depth--) {
        if (cursor_peek(c) == ',')
            return err_set(e, ERR_INVALID, "", "expected one value, got a list of more");
        if (!cursor_expect(c, ']', "", e))
            return false;
    }
    return true;
}

bool json_next_take(struct cursor *c, char close, bool *more, struct err *e) {
    char got = cursor_peek(c);
    *more = got == ',';
    if (got == ',' || got == close) {
        c->at++;
        return true;
    }
    return err_set(e, ERR_INVALID, "", "expected ',' or '%c', got %s", close,
                   cursor_kind(c));
}
