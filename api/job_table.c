#include "api/job_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/job_review.h"
#include "engine/memory.h"

static const char *const kind_names[] = {[ENCODER_NUMBER] = "number",
                                         [ENCODER_BOOLEAN] = "boolean",
                                         [ENCODER_CATEGORY] = "category"};
static const char *const use_names[] = {
    [COLUMN_UNUSED] = "none", [COLUMN_FEATURE] = "feature", [COLUMN_TARGET] = "target"};
static const struct json_choice missing_choices[] = {{"mean", 0}, {"error", 1}};
static const struct json_choice unknown_choices[] = {{"ignore", 0}, {"error", 1}};

void job_table_free(struct job_table *t) {
    for (size_t i = 0; i < t->columns_n; i++)
        free(t->columns[i].name);
    free(t->columns);
    free(t->target.name);
    free(t->warnings);
    if (t->validation)
        job_table_free(t->validation);
    free(t->validation);
    *t = (struct job_table){0};
}

const struct job_column *job_table_target(const struct job_table *t) {
    if (t->targets_apart)
        return &t->target;
    for (size_t i = 0; i < t->columns_n; i++)
        if (t->columns[i].use == COLUMN_TARGET)
            return &t->columns[i];
    return NULL;
}

const struct profile_column *job_table_target_profile(const struct job_table *t,
                                                      const struct job_dataset *dataset) {
    return t->targets_apart ? &dataset->targets->columns[0]
                            : &dataset->table->columns[job_table_target(t) - t->columns];
}

static enum encoder_kind kind_of(const struct profile_column *c) {
    return c->type == PROFILE_NUMBER    ? ENCODER_NUMBER
           : c->type == PROFILE_BOOLEAN ? ENCODER_BOOLEAN
                                        : ENCODER_CATEGORY;
}

static bool no_memory(struct err *e) {
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a job's columns");
}

static bool columns_copy(const struct profile *p, struct job_table *t, struct err *e) {
    t->columns = calloc(p->columns_n, sizeof *t->columns);
    if (!t->columns)
        return no_memory(e);
    t->columns_n = p->columns_n;
    for (size_t i = 0; i < p->columns_n; i++) {
        t->columns[i].kind = kind_of(&p->columns[i]);
        t->columns[i].name = strdup(p->columns[i].name);
        if (!t->columns[i].name)
            return no_memory(e);
    }
    return true;
}

/* ---- choosing ------------------------------------------------------------------- */

static bool column_named(const struct job_table *t, const char *name, const char *where,
                         size_t *index, struct err *e) {
    for (*index = 0; *index < t->columns_n; ++*index)
        if (strcmp(t->columns[*index].name, name) == 0)
            return true;
    return err_set(e, ERR_INVALID, where, "there is no column \"%.60s\"", name);
}

/* Sets the use of the columns that an array of names lists. */
static bool names_use(const struct json_slot *slot, enum column_use use,
                      struct job_table *t, struct err *e) {
    if (!json_is_array(slot->value))
        return err_set(e, ERR_INVALID, slot->path,
                       "expected an array of column names, got %s",
                       json_kind(slot->value));
    for (size_t i = 0; i < json_array_size(slot->value); i++) {
        struct json_slot name = {.value = json_array_get(slot->value, i)};
        const char *text = NULL;
        size_t column = 0;
        json_path_index(name.path, slot->path, i);
        if (!json_text(&name, &text, e) || !column_named(t, text, name.path, &column, e))
            return false;
        if (t->columns[column].use == COLUMN_TARGET && use == COLUMN_FEATURE)
            return err_set(e, ERR_INVALID, name.path, "\"%.60s\" is the target", text);
        if (t->columns[column].use == COLUMN_FEATURE && use == COLUMN_FEATURE)
            return err_set(e, ERR_INVALID, name.path, "\"%.60s\" is given twice", text);
        if (t->columns[column].use != COLUMN_TARGET)
            t->columns[column].use = use;
    }
    return true;
}

/* A file of targets is one column of as many rows as the features have. */
static bool targets_check(const struct job_dataset *dataset, const char *where,
                          struct err *e) {
    const struct profile *targets = dataset->targets;
    if (!targets)
        return true;
    if (targets->rows_n != dataset->table->rows_n)
        return err_set(e, ERR_INVALID, where,
                       "has %llu rows of features and %llu of "
                       "targets",
                       (unsigned long long)dataset->table->rows_n,
                       (unsigned long long)targets->rows_n);
    return targets->columns_n == 1 ||
           err_set(e, ERR_INVALID, where,
                   "expected one column of targets, the dataset has %zu",
                   targets->columns_n);
}

static bool targets_take(const struct profile_column *target, struct job_table *t,
                         struct err *e) {
    t->targets_apart = true;
    t->target.kind = kind_of(target);
    t->target.use = COLUMN_TARGET;
    t->target.name = strdup(target->name);
    return t->target.name || no_memory(e);
}

static bool target_choose(const struct job_table_slots *slots,
                          const struct job_dataset *dataset, struct job_table *t,
                          const struct profile_column **target, struct err *e) {
    const char *name = NULL;
    size_t column = 0;
    if (!json_text(slots->target, &name, e))
        return false;
    if (dataset->targets) {
        *target = &dataset->targets->columns[0];
        if (name && strcmp(name, (*target)->name) != 0)
            return err_set(e, ERR_INVALID, slots->target->path,
                           "the dataset's file of targets has the column \"%.60s\" alone",
                           (*target)->name);
        return targets_take(*target, t, e);
    }
    if (!name)
        return err_set(e, ERR_INVALID, slots->target->path,
                       "is missing: the column to predict");
    if (!column_named(t, name, slots->target->path, &column, e))
        return false;
    t->columns[column].use = COLUMN_TARGET;
    *target = &dataset->table->columns[column];
    return true;
}

/* Features: those that are named, or all but the target, less what is excluded. */
static bool features_choose(const struct job_table_slots *slots, struct job_table *t,
                            struct err *e) {
    if (slots->features->value) {
        if (!names_use(slots->features, COLUMN_FEATURE, t, e))
            return false;
    } else {
        for (size_t i = 0; i < t->columns_n; i++)
            if (t->columns[i].use != COLUMN_TARGET)
                t->columns[i].use = COLUMN_FEATURE;
    }
    return !slots->exclude->value || names_use(slots->exclude, COLUMN_UNUSED, t, e);
}

/* ---- the columns of a model that a job continues from --------------------------- */

static bool origin_column_fits(const struct encoder_column *has,
                               const struct profile_column *c, const char *where,
                               struct err *e) {
    /* 0 and 1, which booleans may be; and no cells, which look like it. */
    bool truths = has->kind == ENCODER_BOOLEAN && c->type == PROFILE_NUMBER &&
                  c->min >= 0 && c->max <= 1 && (c->whole || c->max <= 0);
    if (has->kind == ENCODER_CATEGORY || kind_of(c) == has->kind || truths)
        return true;
    return err_set(e, ERR_INVALID, where,
                   "expected a %s in column \"%.60s\", as init_from "
                   "has it, got a %s",
                   kind_names[has->kind], has->name, kind_names[kind_of(c)]);
}

/* Its columns, read as it reads them, wherever they stand. */
static bool origin_columns(const struct job_table_slots *slots, const struct profile *p,
                           const struct encoder *encoder, struct job_table *t,
                           struct err *e) {
    const struct json_slot *const chosen[] = {slots->features, slots->exclude,
                                              slots->missing_values,
                                              slots->unknown_categories};
    const char *where = slots->dataset->path;
    for (size_t i = 0; i < sizeof chosen / sizeof *chosen; i++)
        if (chosen[i]->value)
            return err_set(e, ERR_INVALID, chosen[i]->path,
                           "the columns are those of init_from: leave it out");
    for (size_t i = 0; i < encoder->columns_n; i++) {
        const struct encoder_column *has = &encoder->columns[i];
        size_t column = 0;
        if (!column_named(t, has->name, where, &column, e))
            return false;
        if (t->columns[column].use == COLUMN_TARGET)
            return err_set(e, ERR_INVALID, slots->target->path,
                           "\"%.60s\" is a column that init_from takes", has->name);
        if (!origin_column_fits(has, &p->columns[column], where, e))
            return false;
        t->columns[column].kind = has->kind;
        t->missing_refused = t->missing_refused || has->missing_refused;
        t->unseen_refused = t->unseen_refused || has->unseen_refused;
        t->columns[column].use = COLUMN_FEATURE;
    }
    return true;
}

/* A model that does not know its columns takes the features in their order. */
static bool origin_inputs_check(const struct model *origin, const struct job_table *t,
                                struct err *e) {
    size_t features = 0;
    for (size_t i = 0; !origin->encoder.columns_n && i < t->columns_n; i++) {
        if (t->columns[i].use != COLUMN_FEATURE)
            continue;
        if (t->columns[i].kind != ENCODER_NUMBER)
            return err_set(e, ERR_INVALID, "/features",
                           "init_from takes numbers alone, \"%.60s\" is a %s",
                           t->columns[i].name, kind_names[t->columns[i].kind]);
        features++;
    }
    return origin->encoder.columns_n || features == origin->net->inputs_n ||
           err_set(e, ERR_INVALID, "/features",
                   "expected %zu columns, as init_from takes them, got %zu",
                   origin->net->inputs_n, features);
}

static bool extras_decode(const struct job_table_slots *slots, struct job_table *t,
                          struct err *e) {
    int missing = 0, unknown = 0;
    bool ok = json_float(slots->validation_split, (struct json_bounds){.max = 0.9},
                         &t->validation_split, e) &&
              json_choose(slots->missing_values, missing_choices, 2, &missing, e) &&
              json_choose(slots->unknown_categories, unknown_choices, 2, &unknown, e);
    t->missing_refused = missing;
    t->unseen_refused = unknown;
    return ok;
}

static bool missing_check(const struct job_dataset *dataset, const struct job_table *t,
                          const struct profile_column *target, struct err *e) {
    if (target->missing)
        return err_set(e, ERR_INVALID, "/target",
                       "\"%.60s\" is missing in %llu of %llu rows", target->name,
                       (unsigned long long)target->missing,
                       (unsigned long long)dataset->table->rows_n);
    for (size_t i = 0; t->missing_refused && i < t->columns_n; i++)
        if (t->columns[i].use == COLUMN_FEATURE && dataset->table->columns[i].missing)
            return err_set(e, ERR_INVALID, "/missing_values",
                           "column \"%.60s\" is missing in %llu rows", t->columns[i].name,
                           (unsigned long long)dataset->table->columns[i].missing);
    return true;
}

/* What the worker would find out, told before anything is accepted. */
static bool range_check(const struct profile *p, const struct job_table *t,
                        struct err *e) {
    for (size_t i = 0; i < t->columns_n; i++) {
        const struct profile_column *c = &p->columns[i];
        double far = fabs(c->min) > fabs(c->max) ? c->min : c->max;
        if (t->columns[i].use == COLUMN_FEATURE && c->type == PROFILE_NUMBER &&
            c->missing < p->rows_n && !isfinite((float)far))
            return err_set(e, ERR_RANGE, "/features",
                           "column \"%.60s\": %g is outside float32", c->name, far);
    }
    return true;
}

/* ---- rows of another dataset ------------------------------------------------------ */

/* A column of the validation table plays the part that `c` plays in training, and is read
 * as that is. */
static bool validation_part(const struct job_column *c, struct job_column *other,
                            const char *where, struct err *e) {
    if (c->kind != other->kind && c->kind != ENCODER_CATEGORY)
        return err_set(e, ERR_INVALID, where, "its column \"%.60s\" is %s, not %s",
                       other->name, kind_names[other->kind], kind_names[c->kind]);
    other->kind = c->kind;
    other->use = c->use;
    return true;
}

/* Its features are those of the same names. */
static bool validation_features(const struct job_table *t, struct job_table *v,
                                const char *where, struct err *e) {
    for (size_t i = 0; i < t->columns_n; i++) {
        size_t at = 0;
        if (t->columns[i].use == COLUMN_FEATURE &&
            (!column_named(v, t->columns[i].name, where, &at, e) ||
             !validation_part(&t->columns[i], &v->columns[at], where, e)))
            return false;
    }
    return true;
}

/* Its target is the one column of its file of targets, or the one that is named as the
 * target in training. */
static bool validation_target(const struct job_table *t, const struct job_dataset *from,
                              struct job_table *v, const char *where, struct err *e) {
    const struct job_column *target = job_table_target(t);
    size_t at = 0;
    if (from->targets)
        return targets_check(from, where, e) &&
               targets_take(&from->targets->columns[0], v, e) &&
               validation_part(target, &v->target, where, e);
    if (!column_named(v, target->name, where, &at, e))
        return false;
    if (v->columns[at].use == COLUMN_FEATURE)
        return err_set(e, ERR_INVALID, where,
                       "its column \"%.60s\" has the name of a feature and of the "
                       "target: upload features and targets apart",
                       target->name);
    return validation_part(target, &v->columns[at], where, e);
}

static bool validation_decode(const struct job_table_slots *slots,
                              const struct job_dataset *dataset, struct job_table *t,
                              struct err *e) {
    const char *where = slots->validation_dataset->path;
    const struct job_dataset *from = dataset->validation;
    if (!from)
        return true;
    if (t->validation_split > 0)
        return err_set(e, ERR_INVALID, where, "give validation_split or this, not both");
    struct job_table *v = t->validation = calloc(1, sizeof *t->validation);
    if (!v || !columns_copy(from->table, v, e))
        return no_memory(e);
    snprintf(v->dataset, sizeof v->dataset, "%s", from->name);
    v->revision = from->revision;
    v->source = from->source;
    v->targets_source = from->targets_source;
    v->rows_n = from->table->rows_n;
    v->missing_refused = t->missing_refused;
    if (!validation_features(t, v, where, e) || !validation_target(t, from, v, where, e))
        return false;
    if (missing_check(from, v, job_table_target_profile(v, from), e) &&
        range_check(from->table, v, e))
        return true;
    snprintf(e->where, sizeof e->where, "%s", where);
    return false;
}

/* A text each, and one for missing; those of a column of too many were never counted, and
 * are a feature of no job. */
static size_t inputs_count(const struct job_table *t, const struct profile *profile) {
    size_t inputs_n = 0;
    for (size_t i = 0; i < t->columns_n; i++) {
        const struct profile_column *c = &profile->columns[i];
        if (t->columns[i].use == COLUMN_FEATURE)
            inputs_n += t->columns[i].kind == ENCODER_CATEGORY
                            ? c->values_n + (c->missing > 0)
                            : 1;
    }
    return inputs_n;
}

bool job_table_decode(const struct job_table_slots *slots,
                      const struct job_dataset *dataset, const struct model *origin,
                      struct job_table *t, const struct profile_column **target,
                      struct err *e) {
    snprintf(t->dataset, sizeof t->dataset, "%s", dataset->name);
    t->revision = dataset->revision;
    t->source = dataset->source;
    t->targets_source = dataset->targets_source;
    t->rows_n = dataset->table->rows_n;
    if (!(targets_check(dataset, slots->dataset->path, e) &&
          columns_copy(dataset->table, t, e) &&
          target_choose(slots, dataset, t, target, e) && extras_decode(slots, t, e) &&
          (origin && origin->encoder.columns_n
               ? origin_columns(slots, dataset->table, &origin->encoder, t, e)
               : features_choose(slots, t, e)) &&
          missing_check(dataset, t, *target, e) && range_check(dataset->table, t, e) &&
          (!origin || origin_inputs_check(origin, t, e)) &&
          job_review(dataset->table, *target, origin != NULL, t, e) &&
          validation_decode(slots, dataset, t, e)))
        return false;
    t->inputs_max = origin ? origin->net->inputs_n : inputs_count(t, dataset->table);
    return true;
}

/* ---- the document --------------------------------------------------------------- */

static void source_encode(const char *key, const struct reader_found *s,
                          struct text *out) {
    text_key(out, key);
    text_open(out, '{');
    text_key(out, "format");
    text_json_string(out, reader_format_name(s->format));
    if (s->format == TABLE_CSV) {
        text_key(out, "header");
        text_json_bool(out, s->header);
        text_key(out, "delimiter");
        text_json_string(out, (char[]){s->delimiter, '\0'});
    }
    text_close(out, '}');
}

static void column_encode(const struct job_column *c, struct text *out) {
    text_open(out, '{');
    text_key(out, "name");
    text_json_string(out, c->name);
    text_key(out, "type");
    text_json_string(out, kind_names[c->kind]);
    text_key(out, "use");
    text_json_string(out, use_names[c->use]);
    text_close(out, '}');
}

static void columns_encode(const struct job_table *t, struct text *out) {
    text_key(out, "columns");
    text_open(out, '[');
    for (size_t i = 0; i < t->columns_n; i++)
        column_encode(&t->columns[i], out);
    text_close(out, ']');
}

static void table_members_encode(const struct job_table *t, struct text *out) {
    if (t->revision) {
        text_key(out, "revision");
        text_json_int(out, t->revision);
    }
    text_key(out, "rows");
    text_json_int(out, (int64_t)t->rows_n);
    text_key(out, "scale_target");
    text_json_bool(out, t->scale_target);
    source_encode("source", &t->source, out);
    if (t->targets_apart) {
        source_encode("targets_source", &t->targets_source, out);
        text_key(out, "targets_column");
        column_encode(&t->target, out);
    }
    columns_encode(t, out);
}

static void table_encode(const struct job_table *t, struct text *out) {
    text_open(out, '{');
    table_members_encode(t, out);
    if (t->validation) {
        text_key(out, "validation");
        text_open(out, '{');
        table_members_encode(t->validation, out);
        text_close(out, '}');
    }
    text_close(out, '}');
}

void job_table_encode(const struct job_table *t, struct text *out) {
    if (t->dataset[0]) {
        text_key(out, "dataset");
        text_json_string(out, t->dataset);
        text_key(out, "target");
        text_json_string(out, job_table_target(t)->name);
    }
    if (t->validation_split > 0) {
        text_key(out, "validation_split");
        text_json_float(out, t->validation_split);
    }
    if (t->validation) {
        text_key(out, "validation_dataset");
        text_json_string(out, t->validation->dataset);
    }
    text_key(out, "missing_values");
    text_json_string(out, missing_choices[t->missing_refused].name);
    if (t->unseen_refused) { /* older workers do not know the key */
        text_key(out, "unknown_categories");
        text_json_string(out, unknown_choices[1].name);
    }
    text_key(out, "table");
    table_encode(t, out);
}

static bool name_index(const json_t *value, const char *const *names, size_t n,
                       size_t *index) {
    const char *name = json_string_value(value);
    for (*index = 0; name && *index < n; ++*index)
        if (names[*index] && strcmp(names[*index], name) == 0)
            return true;
    return false;
}

static bool source_read(const json_t *value, struct reader_found *s) {
    const char *format = json_string_value(json_object_get(value, "format"));
    const char *delimiter = json_string_value(json_object_get(value, "delimiter"));
    for (enum table_format f = TABLE_CSV; format && f <= TABLE_IDX; f++)
        if (strcmp(reader_format_name(f), format) == 0)
            s->format = f;
    s->header = json_is_true(json_object_get(value, "header"));
    s->delimiter = delimiter ? delimiter[0] : '\0';
    return s->format != TABLE_AUTO;
}

/* *starved: there was no memory for the name. */
static bool column_read(const json_t *value, struct job_column *c, bool *starved) {
    size_t kind = 0, use = 0;
    const char *name = json_string_value(json_object_get(value, "name"));
    bool ok = name && name_index(json_object_get(value, "type"), kind_names, 3, &kind) &&
              name_index(json_object_get(value, "use"), use_names, 3, &use);
    c->kind = (enum encoder_kind)kind;
    c->use = (enum column_use)use;
    c->name = ok ? strdup(name) : NULL;
    *starved = *starved || (ok && !c->name);
    return c->name;
}

/* A stored document is ours: what is odd in it is a damaged store, not a user's mistake.
 */
static bool table_read(const json_t *table, struct job_table *t, bool *starved) {
    const json_t *columns = json_object_get(table, "columns");
    const json_t *apart = json_object_get(table, "targets_column");
    size_t n = json_array_size(columns);
    t->revision = json_integer_value(json_object_get(table, "revision"));
    t->rows_n = (uint64_t)json_integer_value(json_object_get(table, "rows"));
    t->scale_target = json_is_true(json_object_get(table, "scale_target"));
    t->targets_apart = apart;
    t->columns = calloc(n + 1, sizeof *t->columns);
    *starved = *starved || !t->columns;
    if (!t->columns || !n || !source_read(json_object_get(table, "source"), &t->source))
        return false;
    for (; t->columns_n < n; t->columns_n++)
        if (!column_read(json_array_get(columns, t->columns_n), &t->columns[t->columns_n],
                         starved))
            return false;
    return !apart ||
           (column_read(apart, &t->target, starved) &&
            source_read(json_object_get(table, "targets_source"), &t->targets_source));
}

static bool validation_read(const json_t *value, const struct json_slot *name,
                            struct job_table *t, bool *starved) {
    if (!value)
        return true;
    t->validation = calloc(1, sizeof *t->validation);
    *starved = *starved || !t->validation;
    if (!t->validation || !json_is_string(name->value) ||
        !table_read(value, t->validation, starved) || !job_table_target(t->validation))
        return false;
    snprintf(t->validation->dataset, sizeof t->validation->dataset, "%s",
             json_string_value(name->value));
    return true;
}

bool job_table_read(const struct job_table_slots *slots, const struct json_slot *table,
                    struct job_table *t, struct err *e) {
    const char *dataset = ""; /* inline rows */
    if (!table->value)
        return true;
    if (!json_text(slots->dataset, &dataset, e) || !extras_decode(slots, t, e))
        return false;
    bool starved = false;
    if (!table_read(table->value, t, &starved) || !job_table_target(t) ||
        !validation_read(json_object_get(table->value, "validation"),
                         slots->validation_dataset, t, &starved))
        return starved ? err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns")
                       : err_set(e, ERR_INVALID, table->path,
                                 "a stored job's table is incomplete");
    snprintf(t->dataset, sizeof t->dataset, "%s", dataset);
    return true;
}

bool job_table_leave_out(const struct job_table *t, struct encoder *encoder,
                         struct err *e) {
    const char **names = memory_new(t->columns_n, sizeof *names);
    if (!names)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the columns");
    for (size_t i = 0; i < t->columns_n; i++)
        names[i] = t->columns[i].name;
    bool ok = encoder_leave_out(encoder, names, t->columns_n, e);
    free(names);
    return ok;
}
