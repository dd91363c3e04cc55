build-asan/api/utf8.o: api/utf8.c api/utf8.h
api/utf8.h:
