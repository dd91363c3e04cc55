#include "tests/http/lines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FILE_BYTES_MAX = 4 << 20 };

static bool text_read(struct lines *set, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    set->text = malloc(FILE_BYTES_MAX);
    size_t n = set->text ? fread(set->text, 1, FILE_BYTES_MAX, f) : 0;
    fclose(f);
    if (n == 0 || n == FILE_BYTES_MAX)
        return false;
    set->text[n] = '\0';
    return !strchr(set->text, '"');
}

bool lines_read(struct lines *set, const char *folder, const char *name) {
    char path[1024];
    *set = (struct lines){0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (!text_read(set, path))
        return false;
    size_t n = 1, found = 0;
    for (const char *at = set->text; *at; at++)
        n += *at == '\n';
    set->lines = calloc(n, sizeof *set->lines);
    char *save = NULL;
    for (char *line = strtok_r(set->text, "\r\n", &save); set->lines && line;
         line = strtok_r(NULL, "\r\n", &save))
        set->lines[found++] = line;
    set->rows_n = found ? found - 1 : 0;
    return set->rows_n > 0;
}

void lines_free(struct lines *set) {
    free(set->text);
    free(set->lines);
    *set = (struct lines){0};
}

void lines_write(const struct lines *set, const size_t *rows, size_t n, FILE *out) {
    fprintf(out, "%s\n", set->lines[0]);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s\n", set->lines[1 + rows[i]]);
}

/* The cell at a place of a line. @return false behind the last. */
static bool cell_at(const char *line, size_t place, char cell[LINES_CELL_BYTES]) {
    for (; place; place--) {
        line = strchr(line, ',');
        if (!line)
            return false;
        line++;
    }
    snprintf(cell, LINES_CELL_BYTES, "%.*s", (int)strcspn(line, ","), line);
    return true;
}

void lines_cell(const struct lines *set, size_t row, const char *column,
                char cell[LINES_CELL_BYTES]) {
    for (size_t i = 0; cell_at(set->lines[0], i, cell); i++)
        if (strcmp(cell, column) == 0 && cell_at(set->lines[1 + row], i, cell))
            return;
    cell[0] = '\0';
}

static void cell_write(const char *cell, FILE *out) {
    char *end;
    strtod(cell, &end);
    if (!*cell || strcmp(cell, "?") == 0)
        fputs("null", out);
    else if (strcasecmp(cell, "true") == 0 || strcasecmp(cell, "false") == 0)
        fputs(strcasecmp(cell, "true") == 0 ? "true" : "false", out);
    else
        fprintf(out, *end ? "\"%s\"" : "%s", cell);
}

void lines_write_objects(const struct lines *set, const json_t *columns,
                         const size_t *rows, size_t n, FILE *out) {
    char cell[LINES_CELL_BYTES];
    size_t j;
    const json_t *column;
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ",{" : "[{", out);
        json_array_foreach(columns, j, column) {
            const char *name = json_string_value(json_object_get(column, "name"));
            fprintf(out, "%s\"%s\":", j ? "," : "", name);
            lines_cell(set, rows[i], name, cell);
            cell_write(cell, out);
        }
        fputc('}', out);
    }
    fputc(']', out);
}
