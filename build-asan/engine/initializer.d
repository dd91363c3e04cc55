build-asan/engine/initializer.o: engine/initializer.c \
 engine/initializer.h engine/net.h engine/activation.h engine/err.h \
 engine/rng.h
engine/initializer.h:
engine/net.h:
engine/activation.h:
engine/err.h:
engine/rng.h:
