build-asan/api/rows.o: api/rows.c api/rows.h api/cursor.h engine/err.h \
 engine/model.h engine/loss.h engine/activation.h engine/net.h \
 engine/transform.h api/cursor_private.h api/number.h engine/memory.h
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
engine/memory.h:
