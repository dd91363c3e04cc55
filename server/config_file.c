#include "server/config_file.h"

#include <stdlib.h>
#include <string.h>

#include "server/text_file.h"

static const char space[] = " \t\r";

/* Cuts a line's comment off. */
static void comment_cut(char *line) {
    for (char *at = line; (at = strchr(at, '#')); at++) {
        if (at == line || strchr(space, at[-1])) {
            *at = '\0';
            return;
        }
    }
}

static char *trim(char *text) {
    text += strspn(text, space);
    size_t n = strlen(text);
    while (n && strchr(space, text[n - 1]))
        text[--n] = '\0';
    return text;
}

/* @return false at a line that is neither empty nor key = value. */
static bool line_split(char *text, struct config_line *line) {
    comment_cut(text);
    text = trim(text);
    line->key = text;
    line->value = text + strlen(text);
    char *equals = strchr(text, '=');
    if (!equals)
        return !*text;
    *equals = '\0';
    line->key = trim(text);
    line->value = trim(equals + 1);
    return *line->key;
}

char *config_file_read(const char *path, config_line_take *take, void *context,
                       struct err *e) {
    size_t n;
    char *text = text_file_read(path, "--config", &n, e);
    struct config_line line = {0};
    for (char *at = text, *next; at; at = next) {
        next = strchr(at, '\n');
        if (next)
            *next++ = '\0';
        line.number++;
        bool ok = line_split(at, &line);
        if (!ok)
            err_set(e, ERR_INVALID, "--config", "%.100s, line %zu: expected key = value",
                    path, line.number);
        if (!ok || (*line.key && !take(context, &line, e))) {
            free(text);
            return NULL;
        }
    }
    return text;
}
