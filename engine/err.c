#include "engine/err.h"

#include <stdio.h>

bool err_vset(struct err *e, enum err_kind kind, const char *where, const char *format,
              va_list args) {
    if (e->kind != ERR_NONE)
        return false;
    e->kind = kind;
    snprintf(e->where, sizeof e->where, "%s", where ? where : "");
    vsnprintf(e->text, sizeof e->text, format, args);
    return false;
}

bool err_set(struct err *e, enum err_kind kind, const char *where, const char *format,
             ...) {
    va_list args;
    va_start(args, format);
    err_vset(e, kind, where, format, args);
    va_end(args);
    return false;
}
