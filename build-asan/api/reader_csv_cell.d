build-asan/api/reader_csv_cell.o: api/reader_csv_cell.c api/reader_csv.h \
 engine/table.h engine/err.h api/number.h
api/reader_csv.h:
engine/table.h:
engine/err.h:
api/number.h:
