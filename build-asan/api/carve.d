build-asan/api/carve.o: api/carve.c api/carve.h api/cursor.h engine/err.h \
 engine/memory.h api/cursor_private.h api/number.h
api/carve.h:
api/cursor.h:
engine/err.h:
engine/memory.h:
api/cursor_private.h:
api/number.h:
