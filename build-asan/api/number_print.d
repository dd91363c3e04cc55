build-asan/api/number_print.o: api/number_print.c api/number.h \
 api/powers.h
api/number.h:
api/powers.h:
