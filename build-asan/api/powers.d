build-asan/api/powers.o: api/powers.c api/powers.h
api/powers.h:
