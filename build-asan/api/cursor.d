build-asan/api/cursor.o: api/cursor.c api/cursor.h engine/err.h \
 api/cursor_private.h api/number.h
api/cursor.h:
engine/err.h:
api/cursor_private.h:
api/number.h:
