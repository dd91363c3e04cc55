#include "api/inflater.h"

#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

enum { RATIO_FREE_BYTES = 1 << 20, GZIP_ONLY = 16, PREFIX_BYTES = 2 };

struct inflater {
    struct inflater_options options;
    z_stream stream;
    bool opened; /* the form is known and zlib has been told */
    bool ended;  /* behind a whole stream, or a whole member of gzip */
    unsigned char prefix[PREFIX_BYTES]; /* of deflate: what says its form */
    size_t prefix_n, prefix_at;
    uint64_t inflated_n, compressed_n;
};

static bool no_memory(struct err *e) {
    return err_set(e, ERR_NO_MEMORY, NULL, "no memory to inflate");
}

static bool stream_open(struct inflater *f, int window_bits, struct err *e) {
    f->opened = inflateInit2(&f->stream, window_bits) == Z_OK;
    return f->opened || no_memory(e);
}

struct inflater *inflater_new(const struct inflater_options *options, struct err *e) {
    struct inflater *f = calloc(1, sizeof *f);
    if (!f) {
        no_memory(e);
        return NULL;
    }
    f->options = *options;
    if (options->form == INFLATER_DEFLATE || stream_open(f, MAX_WBITS + GZIP_ONLY, e))
        return f;
    free(f);
    return NULL;
}

void inflater_free(struct inflater *f) {
    if (f && f->opened)
        inflateEnd(&f->stream);
    free(f);
}

static const char *form_name(const struct inflater *f) {
    return f->options.form == INFLATER_GZIP ? "gzip" : "deflate";
}

static bool limits_check(const struct inflater *f, struct err *e) {
    const struct inflater_options *o = &f->options;
    if (f->inflated_n > o->inflated_max)
        return err_set(e, ERR_TOO_LARGE, NULL, "%s inflates to more than %llu bytes",
                       o->what, (unsigned long long)o->inflated_max);
    if (f->inflated_n > RATIO_FREE_BYTES &&
        f->inflated_n / o->ratio_max >= f->compressed_n)
        return err_set(e, ERR_TOO_LARGE, NULL,
                       "%s inflates to more than %u times its size", o->what,
                       o->ratio_max);
    return true;
}

static bool refuse(const struct inflater *f, const char *why, struct err *e) {
    return err_set(e, ERR_INVALID, NULL, "byte %llu of %s is not %s: %s",
                   (unsigned long long)f->compressed_n, f->options.what, form_name(f),
                   why);
}

/* zlib as far as in[0..n) and the room go; *taken is how many of n were. */
static bool stream_run(struct inflater *f, const void *in, size_t n,
                       struct inflater_io *io, size_t *taken, struct err *e) {
    z_stream *z = &f->stream;
    uInt in_n = n < INT_MAX ? (uInt)n : INT_MAX;
    uInt room = io->room < INT_MAX ? (uInt)io->room : INT_MAX;
    z->next_in = (unsigned char *)(uintptr_t)in;
    z->avail_in = in_n;
    z->next_out = (unsigned char *)io->to;
    z->avail_out = room;
    int status = inflate(z, Z_NO_FLUSH);
    size_t made = room - z->avail_out;
    *taken = in_n - z->avail_in;
    io->to += made;
    io->room -= made;
    f->compressed_n += *taken;
    f->inflated_n += made;
    f->ended = status == Z_STREAM_END;
    if (status == Z_MEM_ERROR)
        return no_memory(e);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
        return refuse(f, z->msg ? z->msg : "a dictionary is needed", e);
    return limits_check(f, e);
}

/* What may stand behind a stream: nothing, or gzip's next member. */
static bool stream_again(struct inflater *f, struct err *e) {
    if (f->options.form == INFLATER_DEFLATE)
        return refuse(f, "the stream has ended", e);
    inflateReset(&f->stream);
    return true;
}

/* RFC 1950, section 2.2: the method, the window and a check over both. No compressor's
 * bare stream starts like this, with unused bits of its first byte set. */
static bool is_zlib(const unsigned char prefix[PREFIX_BYTES]) {
    return (prefix[0] & 15) == Z_DEFLATED && prefix[0] >> 4 <= 7 &&
           (prefix[0] << 8 | prefix[1]) % 31 == 0;
}

/* Deflate: keeps the bytes that say its form, which zlib then gets first. */
static bool form_find(struct inflater *f, struct inflater_io *io, struct err *e) {
    for (; f->prefix_n < PREFIX_BYTES && io->in_n > 0; io->in_n--)
        f->prefix[f->prefix_n++] = (unsigned char)*io->in++;
    return f->prefix_n < PREFIX_BYTES ||
           stream_open(f, is_zlib(f->prefix) ? MAX_WBITS : -MAX_WBITS, e);
}

bool inflater_run(struct inflater *f, struct inflater_io *io, struct err *e) {
    if (!f->opened && !form_find(f, io, e))
        return false;
    while (f->opened && io->room > 0) {
        size_t kept = f->prefix_n - f->prefix_at, taken;
        if (f->ended && kept + io->in_n > 0 && !stream_again(f, e))
            return false;
        if (f->ended && kept + io->in_n == 0)
            return true;
        bool ok = kept > 0 ? stream_run(f, f->prefix + f->prefix_at, kept, io, &taken, e)
                           : stream_run(f, io->in, io->in_n, io, &taken, e);
        if (!ok)
            return false;
        if (kept > 0) {
            f->prefix_at += taken;
        } else {
            io->in += taken;
            io->in_n -= taken;
        }
        if (io->in_n == 0 && f->prefix_at == f->prefix_n && f->stream.avail_out > 0)
            return true;
    }
    return true;
}

bool inflater_end(const struct inflater *f, struct err *e) {
    return f->ended || f->compressed_n + f->prefix_n == 0 ||
           err_set(e, ERR_INVALID, NULL, "%s ends inside its %s stream", f->options.what,
                   form_name(f));
}
