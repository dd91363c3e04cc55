build-asan/engine/activation.o: engine/activation.c engine/activation.h \
 engine/kernel.h
engine/activation.h:
engine/kernel.h:
