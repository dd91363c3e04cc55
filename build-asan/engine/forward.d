build-asan/engine/forward.o: engine/forward.c engine/forward.h \
 engine/net.h engine/activation.h engine/err.h engine/matrix.h \
 engine/memory.h
engine/forward.h:
engine/net.h:
engine/activation.h:
engine/err.h:
engine/matrix.h:
engine/memory.h:
