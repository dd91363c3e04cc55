build-asan/api/reader_idx.o: api/reader_idx.c api/reader_matrix.h \
 api/reader_private.h api/reader.h engine/table.h engine/err.h api/text.h
api/reader_matrix.h:
api/reader_private.h:
api/reader.h:
engine/table.h:
engine/err.h:
api/text.h:
