build-asan/api/reader_csv_sniff.o: api/reader_csv_sniff.c \
 api/reader_csv.h engine/table.h engine/err.h
api/reader_csv.h:
engine/table.h:
engine/err.h:
