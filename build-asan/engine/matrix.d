build-asan/engine/matrix.o: engine/matrix.c engine/matrix.h engine/err.h \
 engine/kernel.h engine/rng.h
engine/matrix.h:
engine/err.h:
engine/kernel.h:
engine/rng.h:
