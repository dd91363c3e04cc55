#include "api/reader.h"

#include <stdio.h>

#include "tests/unit/api/test_reader.h"

static void test_arrays(void) {
    check_read("[[1, 2.50, \"a\"],\n [null,true , \"q\\\"\\u00e9\"]]\n",
               "[3]\n1: 1(1) 2.5(2.50) 'a'\n2: _ T(true) 'q\"\xc3\xa9'\n");
    check_read(" [ [ 1 ] , [ -2e1 ] ] ", "[1]\n1: 1(1)\n1: -20(-2e1)\n");
    check_read("[[\"]\", \"}\"], [\"\\\\\", \"[\"]]", "[2]\n1: ']' '}'\n1: '\\' '['\n");
    check_read("\xef\xbb\xbf[[1]]", "[1]\n1: 1(1)\n");
    /* A string is a text, whatever it spells. */
    check_read("[[\"NA\",\"1\",\"\"]]", "[3]\n1: 'NA' '1' ''\n");
}

static void test_objects(void) {
    check_read("[{\"a\":1,\"b\":\"x\"},\n{\"b\":\"y\"},\n{\"b\":null,\"a\":false},{}]",
               "[2] a b\n1: 1(1) 'x'\n2: _ 'y'\n3: F(false) _\n3: _ _\n");
    check_read("{\"a\":1,\n\"b\":2}\n{\"b\":3}\n", "[2] a b\n1: 1(1) 2(2)\n3: _ 3(3)\n");
}

static void test_lines(void) {
    check_read("[1,\"a\"]\n[2,\"b\"]\n", "[2]\n1: 1(1) 'a'\n2: 2(2) 'b'\n");
    check_read("[1]\r\n\r\n[2]", "[1]\n1: 1(1)\n3: 2(2)\n");
    check_read(
        "[1] [2]",
        "[1]\n1: 1(1)\n! line 1, column 5: expected a new line before the next row, "
        "got '['\n");
    check_read("[1]\n5",
               "[1]\n1: 1(1)\n! line 2, column 1: expected a row (an array or an "
               "object), got '5'\n");
}

static void test_ragged(void) {
    check_read("[[1,2],\n[3]]", "[2]\n1: 1(1) 2(2)\n! line 2: expected 2 cells, got 1\n");
    check_read("[[1,2],\n[3,4,5]]",
               "[2]\n1: 1(1) 2(2)\n! line 2: expected 2 cells, got 3\n");
    check_read("[[]]", "! line 1: a row without cells\n");
    check_read("[{}]", "! line 1: a row without cells\n");
    check_read("[]", "! : the file holds no rows\n");
    check_read("[[1],\n  {\"a\":1}]",
               "[1]\n1: 1(1)\n! line 2, column 3: expected a row that "
               "is an array, got an object\n");
}

static void test_keys(void) {
    check_read("[{\"a\":1},\n {\"b\":1}]",
               "[1] a\n1: 1(1)\n! line 2, column 3: the key \"b\" is none of the first "
               "row's\n");
    check_read(
        "[{\"a\":1,\"b\":2},\n {\"b\":1,\"a\":2,\"b\":3}]",
        "[2] a b\n1: 1(1) 2(2)\n! line 2, column 15: the key \"b\" stands twice\n");
    check_read("[{\"a\":1,\"b\":2,\"a\":3}]",
               "! line 1, column 2: the key \"a\" stands twice\n");
}

static void test_grammar(void) {
    static const char scalar[] =
        "! line 1, column 3: expected a number, a string, a boolean or null, got ";
    char want[256];
    snprintf(want, sizeof want, "%san array\n", scalar);
    check_read("[[[1]]]", want);
    snprintf(want, sizeof want, "%san object\n", scalar);
    check_read("[[{\"a\":1}]]", want);
    snprintf(want, sizeof want, "%s'NaN'\n", scalar);
    check_read("[[NaN]]", want);
    snprintf(want, sizeof want, "%s']'\n",
             "! line 1, column 5: expected a number, a string, "
             "a boolean or null, got ");
    check_read("[[1,]]", want);
    check_read("[[01]]",
               "! line 1, column 3: expected a number, a string, a boolean or null, "
               "got a number\n");
    check_read("[[truex]]", "! line 1, column 7: expected ',' or ']', got 'x'\n");
    check_read("[[1 2]]", "! line 1, column 5: expected ',' or ']', got '2'\n");
    check_read("[[1}]", "! line 1, column 4: expected ',' or ']', got '}'\n");
    check_read("[{\"a\" 1}]", "! line 1, column 7: expected ':', got '1'\n");
    check_read("[{a:1}]", "! line 1, column 3: expected a string, got 'a'\n");
    check_read("[a],b\n1,2\n", "[2] [a] b\n2: 1(1) 2(2)\n"); /* no JSON begins so: CSV */
    check_read("[[1e999]]", "! line 1, column 3: a number that leaves float64\n");
    check_read("[[\"\xff\"]]", "! line 1, column 4: this is not UTF-8\n");
    check_read("[[\"\\u0000\"]]", "! line 1, column 4: \\u0000 is not accepted\n");
}

static void test_frame(void) {
    check_read("[[1],]",
               "[1]\n1: 1(1)\n! line 1, column 6: expected a row (an array or an "
               "object), got ']'\n");
    check_read("[[1] [2]]",
               "[1]\n1: 1(1)\n! line 1, column 6: expected ',' or ']' behind a "
               "row, got '['\n");
    check_read("[[1]] x", "[1]\n1: 1(1)\n! line 1, column 7: expected nothing behind the "
                          "rows, got 'x'\n");
    check_read("[[1],\n",
               "[1]\n1: 1(1)\n! line 2, column 1: the file ends before the ']' of "
               "its rows\n");
    check_read("[[1],\n [2,",
               "[1]\n1: 1(1)\n! line 2, column 2: the file ends inside the row "
               "that begins here\n");
    struct reader_options o = READER_OPTIONS_DEFAULT;
    o.format = TABLE_JSON;
    check_read_as("5,6", 3, &o,
                  "! line 1, column 1: expected '[' before the rows, got '5'\n");
    check_read_as("\xef\xbbx", 3, &o, "! line 1, column 1: expected UTF-8, got 'x'\n");
}

static void test_limits(void) {
    struct reader_options o = READER_OPTIONS_DEFAULT;
    o.columns_max = 2;
    check_read_as("[[1,2,3]]", 9, &o, "! line 1: more than 2 columns\n");
    check_read_as("[{\"a\":1,\"b\":2,\"c\":3}]", 21, &o,
                  "! line 1: more than 2 columns\n");
    o.row_bytes_max = 8;
    check_read_as("[[1,2],[1000,2000]]", 19, &o,
                  "[2]\n1: 1(1) 2(2)\n! line 1: a row of more than 8 bytes\n");
}

static void test_truncated(void) {
    static const char *const texts[] = {
        "[{\"a\":1.5,\"b\":\"x\\u00e9\"},\n{\"b\":\"]\",\"a\":null}]",
        "{\"a\":true,\"\xc3\xa9\":\"y\\\"\"}\n{\"a\":false}\n",
        "[[1,\"a\"],[2,\"b\"]]\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t least = strlen(texts[i]) - (texts[i][strlen(texts[i]) - 1] == '\n');
        for (size_t n = 0; n <= strlen(texts[i]); n++) {
            char *want = read_notes(texts[i], n, &DEFAULTS, CUT_WHOLE, NULL);
            bool whole = n >= least;
            bool refused = strstr(want, "! ") != NULL;
            /* A file of lines may end behind any of them; the others at their end alone.
             */
            CHECK_SAY(whole ? !refused : refused || i == 1, "%zu of %s: %s", n, texts[i],
                      want);
            check_read_as(texts[i], n, &DEFAULTS, want);
            free(want);
        }
    }
}

int main(void) {
    CHECK_RUN(test_arrays);
    CHECK_RUN(test_objects);
    CHECK_RUN(test_lines);
    CHECK_RUN(test_ragged);
    CHECK_RUN(test_keys);
    CHECK_RUN(test_grammar);
    CHECK_RUN(test_frame);
    CHECK_RUN(test_limits);
    CHECK_RUN(test_truncated);
    return check_done();
}
