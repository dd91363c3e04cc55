build-asan/engine/backward.o: engine/backward.c engine/backward.h \
 engine/net.h engine/activation.h engine/err.h engine/forward.h \
 engine/matrix.h
engine/backward.h:
engine/net.h:
engine/activation.h:
engine/err.h:
engine/forward.h:
engine/matrix.h:
