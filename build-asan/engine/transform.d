build-asan/engine/transform.o: engine/transform.c engine/transform.h \
 engine/err.h engine/kernel.h engine/memory.h
engine/transform.h:
engine/err.h:
engine/kernel.h:
engine/memory.h:
