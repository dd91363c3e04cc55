#include "api/reader.h"

#include <stdio.h>

#include "tests/unit/api/test_reader.h"

static void test_types(void) {
    check_read("name,age,vip,note\n"
               "\"Braund, Mr. \"\"Owen\"\"\",22.0,True,\n"
               "Ann,?,false,\"\"\n"
               "Bob,-1e3,TRUE,\"NA\"\n",
               "[4] name age vip note\n"
               "2: 'Braund, Mr. \"Owen\"' 22(22.0) T(True) _\n"
               "3: 'Ann' _ F(false) ''\n"
               "4: 'Bob' -1000(-1e3) T(TRUE) 'NA'\n");
}

static void test_missing(void) {
    check_read("a;b;c;d;e\n1;?;NA;N/A;NaN\n2;nan;null;NULL;None\n3;none;Null;na;n/a\n",
               "[5] a b c d e\n2: 1(1) _ _ _ _\n3: 2(2) _ _ _ _\n"
               "4: 3(3) 'none' 'Null' 'na' 'n/a'\n");
}

static void test_numbers(void) {
    check_read("x,y\n+1,.5\n5.,-.5e1\n007,00.5\n-0,1E-2\n\"12\",+0\n",
               "[2] x y\n2: 1(+1) 0.5(.5)\n3: 5(5.) -5(-.5e1)\n4: 7(007) 0.5(00.5)\n"
               "5: -0(-0) 0.01(1E-2)\n6: 12(12) 0(+0)\n");
    check_read(
        "x,y\n1,inf\n2,Infinity\n3,-inf\n4,1e999\n5,0x10\n6,.\n7,+-1\n8,1e\n9,1.2.3\n"
        "10,1 2\n11,+\n12,-.e1\n",
        "[2] x y\n2: 1(1) 'inf'\n3: 2(2) 'Infinity'\n4: 3(3) '-inf'\n"
        "5: 4(4) '1e999'\n6: 5(5) '0x10'\n7: 6(6) '.'\n8: 7(7) '+-1'\n"
        "9: 8(8) '1e'\n10: 9(9) '1.2.3'\n11: 10(10) '1 2'\n12: 11(11) '+'\n"
        "13: 12(12) '-.e1'\n");
}

static void test_line_ends(void) {
    static const char want[] = "[2] a b\n2: 1(1) 2(2)\n3: 3(3) 4(4)\n";
    check_read("a,b\n1,2\n3,4\n", want);
    check_read("a,b\n1,2\n3,4", want);
    check_read("a,b\r\n1,2\r\n3,4\r\n", want);
    check_read("a,b\r1,2\r3,4\r", want);
    check_read("\xef\xbb\xbf"
               "a,b\n1,2\n3,4",
               want);
    check_read("a,b\n1,2\n3,4\n\n\n", want);
    check_read("\n\na,b\n\n1,2\n \n", "[2] a b\n5: 1(1) 2(2)\n");
    check_read("\r\n\r\na,b\r\n\r\n1,2\r\n", "[2] a b\n5: 1(1) 2(2)\n");
    check_read("a,b\n1,\n", "[2] a b\n2: 1(1) _\n");
    check_read("a,b\n1,", "[2] a b\n2: 1(1) _\n");
}

static void test_quotes(void) {
    /* A record's lines count, within quotes too; blanks around a cell do not belong to
     * it. */
    check_read("a,b\n\"x\ny\r\nz\", 1 \n \"q\" ,2\n5\" pipe,\"3\"\n\"\"\"\",4\n",
               "[2] a b\n2: 'x\ny\r\nz' 1(1)\n5: 'q' 2(2)\n6: '5\" pipe' 3(3)\n"
               "7: '\"' 4(4)\n");
    check_read("a,b\n1,\"x",
               "[2] a b\n! line 2, column 3: the file ends inside a quote that "
               "opens here\n");
    check_read("a,b\n1,\"x\"\"",
               "[2] a b\n! line 2, column 3: the file ends inside a quote "
               "that opens here\n");
    check_read("a,b\n1,\"x\"", "[2] a b\n2: 1(1) 'x'\n");
    check_read("a,b\n1,\"x\"y\n",
               "[2] a b\n! line 2, column 6: expected a delimiter or the "
               "line's end behind a closing quote\n");
}

static void test_delimiter(void) {
    static const char want[] = "[3] a b c\n2: 1(1) 2(2) 'x,y'\n";
    check_read("a;b;c\n1;2;x,y\n", want);
    check_read("a\tb\tc\n1\t2\tx,y\n", want);
    check_read("a\tb\tc\n1\t\t\n", "[3] a b c\n2: 1(1) _ _\n");
    /* Even beats many: the commas stand in the first record alone. */
    check_read("x,y,z;b\n1;2\n", "[2] x,y,z b\n2: 1(1) 2(2)\n");
    check_read("a\n1\n2\n", "[1] a\n2: 1(1)\n3: 2(2)\n");
    struct reader_options o = READER_OPTIONS_DEFAULT;
    o.delimiter = ';';
    check_read_as("a,b\n1,2\n", 8, &o, "[1] a,b\n2: '1,2'\n");
}

static void test_header(void) {
    struct reader_options o = READER_OPTIONS_DEFAULT;
    check_read("1,2\n3,4\n", "[2]\n1: 1(1) 2(2)\n2: 3(3) 4(4)\n");
    check_read("5.1,setosa\n4.9,virginica\n",
               "[2]\n1: 5.1(5.1) 'setosa'\n2: 4.9(4.9) 'virginica'\n");
    /* Texts alone: names, unless one of them comes again below. */
    check_read("city,land\nParis,F\n", "[2] city land\n2: 'Paris' 'F'\n");
    check_read("yes,no\nno,no\n", "[2]\n1: 'yes' 'no'\n2: 'no' 'no'\n");
    /* Columns that are named by their numbers, as data frames write them. */
    check_read("0,1,label\n7,8,9\n", "[3] 0 1 label\n2: 7(7) 8(8) 9(9)\n");
    check_read("0,2,label\n7,8,9\n", "[3]\n1: 0(0) 2(2) 'label'\n2: 7(7) 8(8) 9(9)\n");
    check_read("5,6,label\n7,8,9\n", "[3]\n1: 5(5) 6(6) 'label'\n2: 7(7) 8(8) 9(9)\n");
    check_read(",a\n0,1.5\n1,2.5\n",
               "[2] Unnamed: 0 a\n2: 0(0) 1.5(1.5)\n3: 1(1) 2.5(2.5)\n");
    check_read(",Unnamed: 0,a\n0,5,1.5\n1,6,2.5\n",
               "[3] Unnamed: 0.1 Unnamed: 0 a\n2: 0(0) 5(5) 1.5(1.5)\n"
               "3: 1(1) 6(6) 2.5(2.5)\n");
    check_read("\"2019\",\"2020\"\n1,2\n", "[2] 2019 2020\n2: 1(1) 2(2)\n");
    o.header = 0;
    check_read_as("a,b\n1,2\n", 8, &o, "[2]\n1: 'a' 'b'\n2: 1(1) 2(2)\n");
    o.header = 1;
    check_read_as("1,2\n3,4\n", 8, &o, "[2] 1 2\n2: 3(3) 4(4)\n");
}

static void test_found(void) {
    static const char text[] = "a;b\n1;2\n";
    struct text out = {0};
    const struct table_sink sink = {
        .columns = note_columns, .row = note_row, .context = &out};
    struct err e = {0};
    struct reader *r = reader_new(&DEFAULTS, &sink, &e);
    CHECK(r && reader_feed(r, text, sizeof text - 1, &e) && reader_end(r, &e));
    struct reader_found found = reader_found(r);
    CHECK(found.format == TABLE_CSV && found.header && !found.gzipped);
    CHECK(found.delimiter == ';');
    reader_free(r);
    text_free(&out);
}

static void test_refused(void) {
    struct reader_options o = READER_OPTIONS_DEFAULT;
    check_read("a,b\n1,2\n3\n",
               "[2] a b\n2: 1(1) 2(2)\n! line 3: expected 2 cells, got 1\n");
    check_read("a,b\n1,2\n3,4,5\n",
               "[2] a b\n2: 1(1) 2(2)\n! line 3: expected 2 cells, got 3\n");
    check_read("", "! : the file is empty\n");
    check_read("\n\n", "! : the file holds no rows\n");
    check_read("a,b\n1,\xff\n", "[2] a b\n! line 2, column 3: this is not UTF-8 (iconv "
                                "-f latin1 -t utf-8 may make it so)\n");
    check_read("a,b\n1,\xc3\xa9\xe2\x82\n",
               "[2] a b\n! line 2, column 4: this is not UTF-8 (iconv -f latin1 -t utf-8 "
               "may make it so)\n");
    check_read("a,b\n1,\xc3\xa9\n", "[2] a b\n2: 1(1) '\xc3\xa9'\n");
    check_read_as("a,b\n1,x\0y\n", 10, &o,
                  "[2] a b\n! line 2, column 4: a NUL is not text\n");
    o.columns_max = 2;
    check_read_as("a,b,c\n", 6, &o, "! line 1: more than 2 columns\n");
    o.row_bytes_max = 8;
    check_read_as("a,b\n1234567,2\n", 14, &o,
                  "[2] a b\n! line 2: a row of more than 8 bytes\n");
}

static void test_utf8(void) {
    static const char *const bad[] = {
        "\xc0\x80", "\xc1\xbf",         "\xe0\x9f\xbf",     "\xed\xa0\x80",
        "\x80",     "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80"};
    static const char *const good[] = {"\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf",
                                       "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    char text[64], want[128];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "abcdefgh,b\n1,%s\n", bad[i]);
        check_read(text, "[2] abcdefgh b\n! line 2, column 3: this is not UTF-8 (iconv "
                         "-f latin1 -t utf-8 may make it so)\n");
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        snprintf(text, sizeof text, "a,b\n1,%s\n", good[i]);
        snprintf(want, sizeof want, "[2] a b\n2: 1(1) '%s'\n", good[i]);
        check_read(text, want);
    }
}

/* Every beginning of a file is accepted or refused, and the same however it is cut. */
static void test_truncated(void) {
    static const char text[] =
        "name,age,vip\r\n\"B, \"\"O\"\"\",22.0,True\n\nAnn,?,\xc3\xa9\n";
    for (size_t n = 0; n < sizeof text; n++) {
        char *want = read_notes(text, n, &DEFAULTS, CUT_WHOLE, NULL);
        check_read_as(text, n, &DEFAULTS, want);
        free(want);
    }
}

/* More than the window that is sniffed, and than a slice: a long row, and many. */
static void test_long(void) {
    struct text text = {0}, want = {0};
    enum { COLUMNS = 5000, ROWS = 12 };
    for (int row = 0; row <= ROWS; row++)
        for (int c = 0; c < COLUMNS; c++)
            text_format(&text, "%s%d%s", row ? "" : "c", row + c,
                        c + 1 < COLUMNS ? "," : "\n");
    text_format(&want, "[%d]", COLUMNS);
    for (int c = 0; c < COLUMNS; c++)
        text_format(&want, " c%d", c);
    for (int row = 1; row <= ROWS; row++) {
        text_format(&want, "\n%d:", row + 1);
        for (int c = 0; c < COLUMNS; c++)
            text_format(&want, " %d(%d)", row + c, row + c);
    }
    text_string(&want, "\n");
    size_t n = text.n;
    char *bytes = text_take(&text), *notes = text_take(&want);
    check_read_as(bytes, n, &DEFAULTS, notes);
    free(bytes);
    free(notes);
}

int main(void) {
    CHECK_RUN(test_types);
    CHECK_RUN(test_missing);
    CHECK_RUN(test_numbers);
    CHECK_RUN(test_line_ends);
    CHECK_RUN(test_quotes);
    CHECK_RUN(test_delimiter);
    CHECK_RUN(test_header);
    CHECK_RUN(test_found);
    CHECK_RUN(test_refused);
    CHECK_RUN(test_utf8);
    CHECK_RUN(test_truncated);
    CHECK_RUN(test_long);
    return check_done();
}
