#!/bin/sh
# The layers: who includes what, and what stands at the top.
set -u
passed=0 failed=0
# refuse WHAT LINES: the lines are those that break the rule
refuse() {
    if [ -n "$2" ]; then
        printf '%s:\n%s\n' "$1" "$2"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}
refuse "engine/ includes the layers above" \
    "$(grep -nE '#include "(api|server)/' engine/*.[ch])"
refuse "engine/ knows JSON, HTTP, files or clocks" \
    "$(grep -nE '#include <(jansson|microhttpd|sqlite3|stdio_ext|fcntl|sys/socket|curl)' engine/*.[ch])"
refuse "api/ includes server/" "$(grep -nE '#include "server/' api/*.[ch])"
refuse "api/ knows sockets or threads" \
    "$(grep -nE '#include <(sys/socket|pthread|microhttpd|sqlite3)' api/*.[ch])"
refuse "server/ includes jansson or cblas" \
    "$(grep -nE '#include <(jansson|cblas)' server/*.[ch])"
refuse "cblas.h outside engine/matrix.c" \
    "$(grep -nE '#include <cblas' engine/*.[ch] | grep -v '^engine/matrix.c:')"
refuse "microhttpd.h outside server/http.c, http_collect.c, http_lane.c and http_response.c" \
    "$(grep -nE '#include <microhttpd' server/*.[ch] | grep -vE '^server/http(_collect|_lane|_response)?\.c:')"
refuse "sqlite3.h outside server/db_sqlite.c" \
    "$(grep -nE '#include <sqlite3' server/*.[ch] | grep -v '^server/db_sqlite.c:')"
refuse "libpq outside of server/db_link.h, behind db_postgres.c" \
    "$(grep -nE '#include <.*libpq' engine/*.[ch] api/*.[ch] server/*.[ch] |
        grep -v '^server/db_link.h:'
        grep -n '#include "server/db_link.h"' server/*.[ch] |
        grep -vE '^server/db_(link|postgres)\.c:')"
refuse "writes to stderr outside the log and main" \
    "$(grep -nE 'stderr|perror' engine/*.c api/*.c server/*.c | grep -vE '^server/(log|main)\.c:')"
refuse "something else at the top level" \
    "$(git ls-files 2>/dev/null | cut -d/ -f1 | sort -u |
        grep -vxE 'engine|api|server|deploy|tests|Dockerfile|Makefile|README\.md|\..*')"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
