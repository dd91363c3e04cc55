#include "api/dataset_source.h"

#include <string.h>

#include "api/dataset.h"
#include "api/json.h"

void dataset_source_free(struct dataset_source *part) {
    profile_free(&part->profile);
    *part = (struct dataset_source){0};
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
    bool ok = root && s->format != TABLE_AUTO &&
              (!delimiter || dataset_delimiter_find(delimiter, &s->delimiter)) &&
              dataset_profile_decode(json, &part->profile, e);
    json_decref(root);
    if (!ok) {
        err_set(e, ERR_INTERNAL, NULL, "a stored dataset's document is damaged");
        dataset_source_free(part);
    }
    return ok;
}
