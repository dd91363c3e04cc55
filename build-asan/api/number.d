build-asan/api/number.o: api/number.c api/number.h api/powers.h
api/number.h:
api/powers.h:
