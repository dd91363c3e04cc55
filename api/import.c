#include "api/import.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api/chain.h"
#include "api/safetensors_list.h"
#include "engine/memory.h"

enum { NONE = -1, ACTIVATION_TEXT_MAX = 31 };

/* The tensors in their roles, each kind in the order of its names. */
struct parts {
    const struct safetensors_entry *matrices[NET_LAYERS_MAX];
    const struct safetensors_entry *vectors[NET_LAYERS_MAX];
    int bias[NET_LAYERS_MAX]; /* of each matrix: a vector's number, or NONE */
    size_t matrices_n, vectors_n;
    bool in_out; /* matrices are (inputs, units) */
};

/* By bytes, but runs of digits by their number: "fc2" before "fc10". */
static int compare_natural(const char *a, const char *b) {
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            size_t x = strspn(a, "0123456789"), y = strspn(b, "0123456789");
            if (x != y)
                return x < y ? -1 : 1;
            int order = memcmp(a, b, x);
            if (order)
                return order;
            a += x;
            b += y;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

static int compare_names(const void *a, const void *b) {
    const char *x = ((const struct safetensors_entry *)a)->name,
               *y = ((const struct safetensors_entry *)b)->name;
    int order = compare_natural(x, y);
    return order ? order : strcmp(x, y); /* "a01" and "a1" */
}

/* One axis, or the (n,1) and (1,n) of a bias that is named as one. */
static bool is_vector(const struct safetensors_entry *t) {
    const char *dot = strrchr(t->name, '.'), *last = dot ? dot + 1 : t->name;
    return t->rank == 1 || (t->rank == 2 && (t->dims[0] == 1 || t->dims[1] == 1) &&
                            (*last == 'b' || *last == 'B'));
}

static bool parts_sort(struct safetensors_list *list, struct parts *parts,
                       struct err *e) {
    qsort(list->entries, list->entries_n, sizeof *list->entries, compare_names);
    for (size_t i = 0; i < list->entries_n; i++) {
        const struct safetensors_entry *t = &list->entries[i];
        bool vector = is_vector(t);
        if (!vector && t->rank != 2)
            return err_set(e, ERR_INVALID, NULL,
                           "safetensors: \"%.60s\" has %zu dimensions; expected matrices "
                           "and vectors",
                           t->name, t->rank);
        if ((vector ? parts->vectors_n : parts->matrices_n) == NET_LAYERS_MAX)
            return err_set(e, ERR_INVALID, NULL, "safetensors: more than %d layers",
                           NET_LAYERS_MAX);
        if (vector)
            parts->vectors[parts->vectors_n++] = t;
        else
            parts->matrices[parts->matrices_n++] = t;
    }
    if (!parts->matrices_n)
        return err_set(e, ERR_INVALID, NULL, "safetensors: it holds no matrix");
    return parts->vectors_n <= parts->matrices_n ||
           err_set(e, ERR_INVALID, NULL, "safetensors: %zu vectors for %zu matrices",
                   parts->vectors_n, parts->matrices_n);
}

static size_t units_of(const struct parts *parts, size_t l) {
    return parts->matrices[l]->dims[parts->in_out];
}
static size_t inputs_of(const struct parts *parts, size_t l) {
    return parts->matrices[l]->dims[!parts->in_out];
}

/* Gives each vector the first layer that it fits, or, from the end on, the last. */
static bool biases_match(const struct parts *parts, bool from_end, int *bias) {
    size_t left = parts->vectors_n, layers_n = parts->matrices_n;
    for (size_t i = 0; i < layers_n; i++) {
        size_t l = from_end ? layers_n - 1 - i : i;
        size_t v = from_end ? left - 1 : parts->vectors_n - left;
        bool fits = left && parts->vectors[v]->n == units_of(parts, l);
        bias[l] = fits ? (int)v : NONE;
        left -= fits;
    }
    return left == 0;
}

/* Whether the shapes make a chain in this orientation. */
static bool shapes_fit(struct parts *parts, bool in_out) {
    parts->in_out = in_out;
    for (size_t l = 1; l < parts->matrices_n; l++)
        if (inputs_of(parts, l) != units_of(parts, l - 1))
            return false;
    return biases_match(parts, false, parts->bias);
}

static bool named_by_pytorch(const struct parts *parts) {
    static const char ending[] = ".weight";
    for (size_t l = 0; l < parts->matrices_n; l++) {
        const char *name = parts->matrices[l]->name;
        size_t n = strlen(name), end = sizeof ending - 1;
        if (n < end || strcmp(name + n - end, ending) != 0)
            return false;
    }
    return true;
}

static bool orient(struct parts *parts, const char *orientation, struct err *e) {
    bool out_in = !orientation || strcmp(orientation, "out_in") == 0;
    bool in_out = !orientation || strcmp(orientation, "in_out") == 0;
    if (!out_in && !in_out)
        return err_set(e, ERR_INVALID, "orientation", "expected out_in or in_out");
    out_in = out_in && shapes_fit(parts, false);
    in_out = in_out && shapes_fit(parts, true);
    if (out_in && in_out && named_by_pytorch(parts))
        in_out = false;
    if (out_in && in_out)
        return err_set(e, ERR_INVALID, "orientation",
                       "the shapes fit both ways: give out_in or in_out");
    if (!out_in && !in_out)
        return err_set(e, ERR_INVALID, NULL,
                       "safetensors: the shapes make no chain of layers: \"%.40s\", "
                       "\"%.40s\", ...",
                       parts->matrices[0]->name,
                       parts->matrices_n > 1 ? parts->matrices[1]->name
                       : parts->vectors_n    ? parts->vectors[0]->name
                                             : "");
    int other[NET_LAYERS_MAX];
    if (!shapes_fit(parts, in_out) || !biases_match(parts, true, other) ||
        memcmp(other, parts->bias, parts->matrices_n * sizeof *other) != 0)
        return err_set(e, ERR_INVALID, NULL,
                       "safetensors: %zu vectors fit %zu matrices in more than one way",
                       parts->vectors_n, parts->matrices_n);
    return true;
}

/* The next name of a list; "" at its end. */
static bool name_take(const char **list, char name[ACTIVATION_TEXT_MAX + 1]) {
    size_t n = strcspn(*list, ",");
    if (n > ACTIVATION_TEXT_MAX)
        return false;
    memcpy(name, *list, n);
    name[n] = '\0';
    *list += n + ((*list)[n] == ',');
    return true;
}

static bool activations_read(const char *list, size_t layers_n, enum activation *out,
                             struct err *e) {
    for (size_t l = 0; l < layers_n; l++)
        out[l] = l + 1 < layers_n ? ACTIVATION_RELU : ACTIVATION_LINEAR;
    if (!list)
        return true;
    size_t n = 1;
    for (const char *c = list; *c; c++)
        n += *c == ',';
    bool short_form = n == 2 && layers_n > 2;
    if (n != layers_n && !short_form)
        return err_set(e, ERR_INVALID, "activations",
                       "expected %zu names, one a layer, or two; got %zu", layers_n, n);
    for (size_t i = 0; i < n; i++) {
        char name[ACTIVATION_TEXT_MAX + 1] = "";
        enum activation g;
        if (!name_take(&list, name) || !activation_find(name, &g))
            return err_set(e, ERR_INVALID, "activations",
                           "there is no activation \"%s\" (number %zu)", name, i + 1);
        size_t from = short_form && i ? layers_n - 1 : i;
        size_t to = short_form && !i ? layers_n - 1 : from + 1;
        for (size_t l = from; l < to; l++)
            out[l] = g;
    }
    return true;
}

/* Of a layer, whose activation is all that is known. */
static bool activate(struct chain *chain, enum activation g, struct err *e) {
    return chain_activate(chain, g, g == ACTIVATION_ELU ? 1 : ACTIVATION_NEGATIVE_SLOPE,
                          e);
}

static bool layer_add(struct chain *chain, const struct parts *parts, size_t l,
                      enum activation g, struct err *e) {
    const struct safetensors_entry *matrix = parts->matrices[l];
    size_t units = units_of(parts, l), inputs = inputs_of(parts, l);
    float *W = chain_dense(chain, units, e);
    if (!W)
        return false;
    for (size_t i = 0; i < units; i++)
        for (size_t j = 0; j < inputs; j++)
            W[i * inputs + j] = (float)safetensors_entry_at(
                matrix, parts->in_out ? j * units + i : i * inputs + j);
    if (parts->bias[l] == NONE)
        return activate(chain, g, e);
    double *b = memory_new(units, sizeof *b);
    if (!b)
        return err_set(e, ERR_NO_MEMORY, NULL, "no memory for %zu units", units);
    for (size_t i = 0; i < units; i++)
        b[i] = safetensors_entry_at(parts->vectors[parts->bias[l]], i);
    bool ok = chain_shift(chain, b, e);
    free(b);
    return ok && activate(chain, g, e);
}

static bool chain_build(struct chain *chain, const struct parts *parts,
                        const char *activations, struct model *out, struct err *e) {
    enum activation g[NET_LAYERS_MAX];
    if (!activations_read(activations, parts->matrices_n, g, e) ||
        !chain_init(chain, inputs_of(parts, 0), SIZE_MAX, e)) /* tensors bound it */
        return false;
    for (size_t l = 0; l < parts->matrices_n; l++)
        if (!layer_add(chain, parts, l, g[l], e))
            return false;
    return chain_finish(chain, out, e);
}

struct model *import_safetensors(const void *bytes, size_t n,
                                 const struct import_options *options, struct err *e) {
    struct safetensors_list list;
    struct parts parts = {.matrices_n = 0};
    struct model built = {.net = NULL}, *model = NULL;
    struct chain *chain = memory_new(1, sizeof *chain);
    if (!chain) {
        err_set(e, ERR_NO_MEMORY, NULL, "no memory for an import");
        return NULL;
    }
    if (safetensors_list_decode(bytes, n, &list, e)) {
        if (parts_sort(&list, &parts, e) && orient(&parts, options->orientation, e) &&
            chain_build(chain, &parts, options->activations, &built, e))
            model = chain_model(&built, options->labels, e);
        safetensors_list_free(&list);
    }
    chain_free(chain);
    free(chain);
    return model;
}
