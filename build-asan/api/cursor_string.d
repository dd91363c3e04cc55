build-asan/api/cursor_string.o: api/cursor_string.c api/cursor_private.h \
 api/cursor.h engine/err.h api/number.h
api/cursor_private.h:
api/cursor.h:
engine/err.h:
api/number.h:
