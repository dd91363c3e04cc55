build-asan/api/reader_gzip.o: api/reader_gzip.c api/reader_gzip.h \
 api/reader.h engine/table.h engine/err.h api/reader_private.h
api/reader_gzip.h:
api/reader.h:
engine/table.h:
engine/err.h:
api/reader_private.h:
