build-asan/api/reader_npy.o: api/reader_npy.c api/reader_npy.h \
 api/reader_matrix.h api/reader_private.h api/reader.h engine/table.h \
 engine/err.h api/text.h
api/reader_npy.h:
api/reader_matrix.h:
api/reader_private.h:
api/reader.h:
engine/table.h:
engine/err.h:
api/text.h:
