build-asan/api/reader_json_row.o: api/reader_json_row.c api/reader_json.h \
 api/reader_private.h api/reader.h engine/table.h engine/err.h api/text.h \
 api/utf8.h api/cursor.h api/number.h
api/reader_json.h:
api/reader_private.h:
api/reader.h:
engine/table.h:
engine/err.h:
api/text.h:
api/utf8.h:
api/cursor.h:
api/number.h:
