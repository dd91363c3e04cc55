build-asan/engine/net.o: engine/net.c engine/net.h engine/activation.h \
 engine/err.h engine/memory.h
engine/net.h:
engine/activation.h:
engine/err.h:
engine/memory.h:
