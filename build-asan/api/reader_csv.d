build-asan/api/reader_csv.o: api/reader_csv.c api/reader_csv.h \
 engine/table.h engine/err.h api/reader_private.h api/reader.h api/text.h \
 api/utf8.h engine/memory.h
api/reader_csv.h:
engine/table.h:
engine/err.h:
api/reader_private.h:
api/reader.h:
api/text.h:
api/utf8.h:
engine/memory.h:
