build-asan/api/json.o: api/json.c api/json.h engine/err.h
api/json.h:
engine/err.h:
