#include "api/dataset.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "api/json.h"

static const struct {
    const char *name;
    char delimiter;
} DELIMITERS[] = {{"comma", ','}, {"semicolon", ';'}, {"tab", '\t'}};
enum { DELIMITERS_N = sizeof DELIMITERS / sizeof *DELIMITERS };

bool dataset_delimiter_find(const char *name, char *delimiter) {
    for (size_t i = 0; i < DELIMITERS_N; i++)
        if (strcmp(DELIMITERS[i].name, name) == 0) {
            *delimiter = DELIMITERS[i].delimiter;
            return true;
        }
    return false;
}

static const char *delimiter_name(char delimiter) {
    for (size_t i = 0; i < DELIMITERS_N; i++)
        if (DELIMITERS[i].delimiter == delimiter)
            return DELIMITERS[i].name;
    return NULL;
}

/* ---- a part's document --------------------------------------------------------------
 */

/* These begin the two last members. Within a string the quotes would have backslashes
 * before them, so the first occurrence is the member. */
#define SHOWN ",\"shown\":{"
#define PROFILE ",\"profile\":{"

static void found_encode(const struct reader_found *found, struct text *out) {
    bool csv = found->format == TABLE_CSV;
    text_member_string(out, "format", reader_format_name(found->format));
    text_key(out, "header");
    if (csv)
        text_json_bool(out, found->header);
    else
        text_json_null(out);
    text_member_string(out, "delimiter", csv ? delimiter_name(found->delimiter) : NULL);
    text_key(out, "gzipped");
    text_json_bool(out, found->gzipped);
}

void dataset_part_encode(const struct reader_found *found, const struct profile *profile,
                         struct text *out) {
    bool few = profile->columns_n <= DATASET_COLUMNS_WITH_VALUES;
    text_open(out, '{');
    found_encode(found, out);
    text_member_int(out, "rows", (int64_t)profile->rows_n);
    text_member_int(out, "columns", (int64_t)profile->columns_n);
    text_key(out, "shown");
    profile_show(profile, few ? DATASET_VALUES_SHOWN : 0, out);
    text_key(out, "profile");
    profile_encode(profile, out);
    text_close(out, '}');
}

/* The pieces of a part's document. */
struct pieces {
    const char *facts; /* behind the opening brace: format to columns */
    size_t facts_n;
    const char *shown, *profile; /* behind their opening braces; NULL: cut off */
    size_t shown_n, profile_n;   /* without their closing ones */
};

static bool document_split(const char *document, struct pieces *pieces, struct err *e) {
    *pieces = (struct pieces){0};
    const char *shown = document[0] == '{' ? strstr(document, SHOWN) : NULL;
    if (!shown)
        return err_set(e, ERR_STORAGE, NULL, "a dataset's document is damaged");
    pieces->facts = document + 1;
    pieces->facts_n = (size_t)(shown - pieces->facts);
    const char *profile = strstr(shown, PROFILE);
    size_t n = strlen(document);
    if (!profile || document[n - 1] != '}' || document[n - 2] != '}')
        return true;
    pieces->shown = shown + strlen(SHOWN);
    pieces->shown_n = (size_t)(profile - pieces->shown) - 1;
    pieces->profile = profile + strlen(PROFILE);
    pieces->profile_n = (size_t)(document + n - 2 - pieces->profile);
    return true;
}

/* A whole one. */
static bool document_split_whole(const char *document, struct pieces *pieces,
                                 struct err *e) {
    return document_split(document, pieces, e) &&
           (pieces->profile ||
            err_set(e, ERR_STORAGE, NULL, "a dataset's document is cut off"));
}

/* "{" bytes "}" as a new string. */
static char *object_dup(const char *bytes, size_t n, struct err *e) {
    struct text text = {0};
    text_string(&text, "{");
    text_bytes(&text, bytes, n);
    text_string(&text, "}");
    char *object = text_take(&text);
    if (!object)
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for a dataset's document");
    return object;
}

bool dataset_counts_decode(const char *document, struct dataset_counts *counts,
                           struct err *e) {
    struct pieces pieces;
    if (!document_split(document, &pieces, e))
        return false;
    char *object = object_dup(pieces.facts, pieces.facts_n, e);
    json_t *facts = object ? json_read(object, strlen(object), e) : NULL;
    free(object);
    if (!facts)
        return false;
    counts->rows = json_integer_value(json_object_get(facts, "rows"));
    counts->columns = json_integer_value(json_object_get(facts, "columns"));
    json_decref(facts);
    return true;
}

bool dataset_profile_decode(const char *document, struct profile *profile,
                            struct err *e) {
    struct pieces pieces;
    if (!document_split_whole(document, &pieces, e))
        return false;
    char *object = object_dup(pieces.profile, pieces.profile_n, e);
    bool ok = object && profile_decode(object, profile, e);
    free(object);
    return ok;
}

/* ---- what a client sees -------------------------------------------------------------
 */

static void parts_of(const struct dataset_view *d,
                     const struct dataset_part_view *parts[3]) {
    parts[0] = &d->table;
    parts[1] = &d->features;
    parts[2] = &d->targets;
}
static const char *const PART_NAMES[3] = {"table", "features", "targets"};

/* What the parts have together: rows are those of any, and columns add up. */
static bool totals_find(const struct dataset_view *d, struct dataset_counts *totals,
                        int64_t *bytes, struct err *e) {
    const struct dataset_part_view *parts[3];
    parts_of(d, parts);
    *totals = (struct dataset_counts){0};
    *bytes = 0;
    for (size_t i = 0; i < 3; i++) {
        struct dataset_counts counts;
        if (!parts[i]->document)
            continue;
        if (!dataset_counts_decode(parts[i]->document, &counts, e))
            return false;
        totals->rows = counts.rows;
        totals->columns += counts.columns;
        *bytes += parts[i]->bytes;
    }
    return true;
}

static void head_encode(const struct dataset_view *d, int64_t rows, int64_t bytes,
                        struct text *out) {
    text_member_string(out, "object", "dataset");
    text_member_string(out, "name", d->name);
    text_member_int(out, "revision", d->revision);
    text_key(out, "created_at");
    text_json_time(out, d->created_ms);
    text_member_int(out, "rows", rows);
    text_member_int(out, "bytes", bytes);
}

/* The members of a part: its facts without the counts, its columns, its first rows. */
static bool part_encode(const struct dataset_part_view *part, bool all_values,
                        struct text *out, struct err *e) {
    struct pieces pieces;
    if (!document_split_whole(part->document, &pieces, e))
        return false;
    text_member_string(out, "sha256", part->sha256);
    const char *rows = strstr(pieces.facts, ",\"rows\":");
    size_t facts_n = rows ? (size_t)(rows - pieces.facts) : pieces.facts_n;
    text_string(out, ",");
    text_bytes(out, pieces.facts, facts_n);
    text_string(out, ",");
    const char *columns = all_values ? strstr(pieces.profile, "\"columns\":[") : NULL;
    if (columns)
        text_bytes(out, columns, (size_t)(pieces.profile + pieces.profile_n - columns));
    else
        text_bytes(out, pieces.shown, pieces.shown_n);
    return true;
}

static bool apart_encode(const struct dataset_part_view *part, const char *name,
                         bool all_values, struct text *out, struct err *e) {
    struct dataset_counts counts;
    if (!part->document)
        return true;
    if (!dataset_counts_decode(part->document, &counts, e))
        return false;
    text_key(out, name);
    text_open(out, '{');
    text_member_int(out, "rows", counts.rows);
    text_member_int(out, "bytes", part->bytes);
    bool ok = part_encode(part, all_values, out, e);
    text_close(out, '}');
    return ok;
}

bool dataset_document_encode(const struct dataset_view *dataset, bool all_values,
                             struct text *out, struct err *e) {
    struct dataset_counts totals;
    int64_t bytes;
    if (!totals_find(dataset, &totals, &bytes, e))
        return false;
    text_open(out, '{');
    head_encode(dataset, totals.rows, bytes, out);
    bool ok =
        (!dataset->table.document || part_encode(&dataset->table, all_values, out, e)) &&
        apart_encode(&dataset->features, "features", all_values, out, e) &&
        apart_encode(&dataset->targets, "targets", all_values, out, e);
    text_close(out, '}');
    return ok;
}

bool dataset_summary_encode(const struct dataset_view *dataset, struct text *out,
                            struct err *e) {
    const struct dataset_part_view *parts[3];
    struct dataset_counts totals;
    int64_t bytes;
    if (!totals_find(dataset, &totals, &bytes, e))
        return false;
    parts_of(dataset, parts);
    text_open(out, '{');
    head_encode(dataset, totals.rows, bytes, out);
    text_member_int(out, "columns_count", totals.columns);
    text_key(out, "parts");
    text_open(out, '[');
    for (size_t i = 0; i < 3; i++)
        if (parts[i]->document)
            text_json_string(out, PART_NAMES[i]);
    text_close(out, ']');
    text_close(out, '}');
    return true;
}
