build-asan/api/reader_matrix.o: api/reader_matrix.c api/reader_matrix.h \
 api/reader_private.h api/reader.h engine/table.h engine/err.h api/text.h \
 engine/memory.h
api/reader_matrix.h:
api/reader_private.h:
api/reader.h:
engine/table.h:
engine/err.h:
api/text.h:
engine/memory.h:
