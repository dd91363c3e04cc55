build-asan/api/reader.o: api/reader.c api/reader.h engine/table.h \
 engine/err.h api/reader_gzip.h api/reader_private.h
api/reader.h:
engine/table.h:
engine/err.h:
api/reader_gzip.h:
api/reader_private.h:
