build-asan/api/intern.o: api/intern.c api/intern.h engine/err.h \
 engine/model.h engine/loss.h engine/activation.h engine/net.h \
 engine/transform.h engine/memory.h
api/intern.h:
engine/err.h:
engine/model.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/transform.h:
engine/memory.h:
