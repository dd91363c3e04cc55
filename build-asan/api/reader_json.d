build-asan/api/reader_json.o: api/reader_json.c api/reader_json.h \
 api/reader_private.h api/reader.h engine/table.h engine/err.h api/text.h \
 api/utf8.h
api/reader_json.h:
api/reader_private.h:
api/reader.h:
engine/table.h:
engine/err.h:
api/text.h:
api/utf8.h:
