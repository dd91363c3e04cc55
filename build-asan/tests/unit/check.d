build-asan/tests/unit/check.o: tests/unit/check.c tests/unit/check.h
tests/unit/check.h:
