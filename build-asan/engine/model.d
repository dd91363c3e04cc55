build-asan/engine/model.o: engine/model.c engine/model.h engine/loss.h \
 engine/activation.h engine/net.h engine/err.h engine/transform.h \
 engine/forward.h engine/memory.h
engine/model.h:
engine/loss.h:
engine/activation.h:
engine/net.h:
engine/err.h:
engine/transform.h:
engine/forward.h:
engine/memory.h:
