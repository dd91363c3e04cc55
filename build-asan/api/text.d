build-asan/api/text.o: api/text.c api/text.h api/number.h engine/memory.h \
 engine/err.h
api/text.h:
api/number.h:
engine/memory.h:
engine/err.h:
