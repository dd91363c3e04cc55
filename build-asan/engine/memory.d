build-asan/engine/memory.o: engine/memory.c engine/memory.h engine/err.h
engine/memory.h:
engine/err.h:
