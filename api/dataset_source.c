#include "api/dataset_source.h"

#include <stdlib.h>
#include <string.h>

#include "api/json.h"

void dataset_source_free(struct dataset_source *part) {
    profile_free(&part->profile);
    *part = (struct dataset_source){0};
}

void dataset_source_encode(const struct dataset_source *part, struct text *out) {
    const struct reader_found *s = &part->source;
    text_open(out, '{');
    text_key(out, "format");
    text_json_string(out, reader_format_name(s->format));
    text_key(out, "header");
    text_json_bool(out, s->header);
    text_key(out, "delimiter");
    text_json_string(out, s->delimiter ? (char[]){s->delimiter, '\0'} : NULL);
    text_key(out, "gzipped");
    text_json_bool(out, s->gzipped);
    text_key(out, "profile");
    profile_encode(&part->profile, out);
    text_close(out, '}');
}

bool dataset_source_decode(const char *json, struct dataset_source *part, struct err *e) {
    *part = (struct dataset_source){0};
    json_t *root = json_read(json, strlen(json), e);
    const char *format = json_string_value(json_object_get(root, "format"));
    const char *delimiter = json_string_value(json_object_get(root, "delimiter"));
    struct reader_found *s = &part->source;
    for (enum table_format f = TABLE_CSV; format && f <= TABLE_IDX; f++)
        if (strcmp(reader_format_name(f), format) == 0)
            s->format = f;
    s->header = json_is_true(json_object_get(root, "header"));
    s->gzipped = json_is_true(json_object_get(root, "gzipped"));
    s->delimiter = delimiter ? delimiter[0] : '\0';
    char *profile = json_dumps(json_object_get(root, "profile"), JSON_COMPACT);
    bool ok =
        profile && s->format != TABLE_AUTO && profile_decode(profile, &part->profile, e);
    free(profile);
    json_decref(root);
    if (!ok) {
        err_set(e, ERR_INTERNAL, NULL, "a stored dataset's document is damaged");
        dataset_source_free(part);
    }
    return ok;
}
