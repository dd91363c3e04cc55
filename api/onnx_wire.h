/* Protocol buffers' wire format, as far as ONNX needs it: a message is a row of fields,
 * each a key and a varint, 4 or 8 bytes, or a length and bytes. Nothing is copied; each
 * read is checked against the end of the message. Groups, which ONNX never had, are
 * malformed. Pure; any thread. (protobuf.dev/programming-guides/encoding) */
#ifndef API_ONNX_WIRE_H
#define API_ONNX_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of the file; names and strings are such parts too, and end with no NUL. */
struct onnx_bytes {
    const unsigned char *at;
    size_t n;
};

enum onnx_wire_type {
    ONNX_VARINT = 0,
    ONNX_FIXED64 = 1,
    ONNX_BYTES = 2,
    ONNX_FIXED32 = 5
};
/* A field's number and type in one; a field of another type than expected is unknown. */
#define ONNX_KEY(number, type) ((uint32_t)(number) << 3 | (type))

struct onnx_field {
    uint32_t key;
    uint64_t value;          /* a varint's */
    struct onnx_bytes bytes; /* what stands behind key and length; not of a varint */
};

struct onnx_wire {
    const unsigned char *at, *end;
    bool bad; /* the message is cut off or malformed */
};

static inline struct onnx_wire onnx_wire_open(struct onnx_bytes message) {
    return (struct onnx_wire){message.at, message.n ? message.at + message.n : message.at,
                              false};
}

/* The next field. @return false at the end, or with w->bad. */
bool onnx_wire_next(struct onnx_wire *w, struct onnx_field *field)
    __attribute__((warn_unused_result));

/* A varint by itself, of a packed field. @return false at the end, or with w->bad. */
bool onnx_wire_varint(struct onnx_wire *w, uint64_t *value)
    __attribute__((warn_unused_result));

/* Whether the bytes are those of `text`. */
bool onnx_bytes_are(struct onnx_bytes bytes, const char *text);
/* By bytes; of two with one beginning, the shorter first. */
int onnx_bytes_compare(struct onnx_bytes a, struct onnx_bytes b);

/* printf's arguments for "%.*s": as much of a name as a message repeats. */
#define ONNX_SHOW(bytes)                                                                 \
    (int)((bytes).n < 60 ? (bytes).n : 60), (bytes).n ? (const char *)(bytes).at : ""

#endif
