build-asan/api/problem.o: api/problem.c api/problem.h api/text.h \
 engine/err.h
api/problem.h:
api/text.h:
engine/err.h:
