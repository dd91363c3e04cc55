build-asan/engine/loss.o: engine/loss.c engine/loss.h engine/activation.h \
 engine/kernel.h
engine/loss.h:
engine/activation.h:
engine/kernel.h:
