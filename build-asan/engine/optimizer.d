build-asan/engine/optimizer.o: engine/optimizer.c engine/optimizer.h \
 engine/kernel.h
engine/optimizer.h:
engine/kernel.h:
