build-asan/api/column.o: api/column.c api/rows.h api/cursor.h \
 engine/err.h engine/model.h engine/loss.h engine/activation.h \
 engine/net.h engine/transform.h api/cursor_private.h api/number.h \
 api/intern.h engine/memory.h
api/rows.h:
api/cursor.h:
engine/err.h:
engine/model.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/transform.h:
api/cursor_private.h:
api/number.h:
api/intern.h:
engine/memory.h:
