#include "api/onnx_wire.h"

#include <string.h>

bool onnx_wire_varint(struct onnx_wire *w, uint64_t *value) {
    uint64_t sum = 0;
    if (w->at == w->end)
        return false;
    for (unsigned shift = 0; shift < 64 && w->at < w->end; shift += 7) {
        unsigned char byte = *w->at++;
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = sum;
            return true;
        }
    }
    w->bad = true;
    return false;
}

static bool take(struct onnx_wire *w, uint64_t n, struct onnx_field *field) {
    if (n > (size_t)(w->end - w->at)) {
        w->bad = true;
        return false;
    }
    field->bytes = (struct onnx_bytes){w->at, (size_t)n};
    w->at += n;
    return true;
}

bool onnx_wire_next(struct onnx_wire *w, struct onnx_field *field) {
    uint64_t key, n;
    if (!onnx_wire_varint(w, &key))
        return false;
    *field = (struct onnx_field){.key = (uint32_t)key};
    if (key <= UINT32_MAX && key >> 3 != 0)
        switch (key & 7) {
        case ONNX_VARINT:
            if (onnx_wire_varint(w, &field->value))
                return true;
            break;
        case ONNX_FIXED64:
            return take(w, 8, field);
        case ONNX_FIXED32:
            return take(w, 4, field);
        case ONNX_BYTES:
            if (onnx_wire_varint(w, &n))
                return take(w, n, field);
            break;
        default:
            break;
        }
    w->bad = true;
    return false;
}

bool onnx_bytes_are(struct onnx_bytes bytes, const char *text) {
    size_t n = strlen(text);
    return bytes.n == n && (!n || memcmp(bytes.at, text, n) == 0);
}

int onnx_bytes_compare(struct onnx_bytes a, struct onnx_bytes b) {
    size_t common = a.n < b.n ? a.n : b.n;
    int order = common ? memcmp(a.at, b.at, common) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}
