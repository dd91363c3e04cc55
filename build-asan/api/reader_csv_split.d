build-asan/api/reader_csv_split.o: api/reader_csv_split.c \
 api/reader_csv.h engine/table.h engine/err.h
api/reader_csv.h:
engine/table.h:
engine/err.h:
