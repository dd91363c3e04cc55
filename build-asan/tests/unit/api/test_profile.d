build-asan/tests/unit/api/test_profile.o: tests/unit/api/test_profile.c \
 api/profile.h api/text.h engine/table.h engine/err.h api/reader.h \
 tests/unit/check.h
api/profile.h:
api/text.h:
engine/table.h:
engine/err.h:
api/reader.h:
tests/unit/check.h:
