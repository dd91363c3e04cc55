build-asan/tests/unit/api/test_reader_json.o: \
 tests/unit/api/test_reader_json.c api/reader.h engine/table.h \
 engine/err.h tests/unit/api/test_reader.h api/text.h tests/unit/check.h
api/reader.h:
engine/table.h:
engine/err.h:
tests/unit/api/test_reader.h:
api/text.h:
tests/unit/check.h:
