#include "server/text_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *text_file_read(const char *path, const char *where, size_t *n, struct err *e) {
    char *text = calloc(1, TEXT_FILE_BYTES_MAX + 2);
    FILE *f = text ? fopen(path, "re") : NULL;
    *n = f ? fread(text, 1, TEXT_FILE_BYTES_MAX + 1, f) : 0;
    bool ok = f && !ferror(f);
    if (!ok)
        err_set(e, ERR_UNAVAILABLE, where, "%.120s: %s", path, strerror(errno));
    else if (*n > TEXT_FILE_BYTES_MAX || memchr(text, '\0', *n))
        ok = err_set(e, ERR_INVALID, where, "%.120s: expected a text of up to %d KiB",
                     path, TEXT_FILE_BYTES_MAX >> 10);
    if (f)
        fclose(f);
    if (ok)
        return text;
    free(text);
    return NULL;
}
