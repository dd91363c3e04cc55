#!/usr/bin/python3
"""Reads a safetensors file that descentd exported, and predicts with it.

    read_safetensors.py MODEL.safetensors ROWS.json

Written from the format's description (https://github.com/huggingface/safetensors#format)
and shares nothing with the daemon but that. The standard library is enough. ROWS.json is
an array of rows, each an array of numbers or an object of a table's cells. Prints an array
of the last layer's outputs in float64; exits with 1 and a line that says what is wrong with
the file."""
import json
import math
import struct
import sys

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1,
         "U8": 1, "BOOL": 1}


def require(ok, *message):
    if not ok:
        sys.exit("read_safetensors: " + " ".join(str(m) for m in message))


def unique(pairs):
    names = [name for name, _ in pairs]
    require(len(names) == len(set(names)), "a key stands twice in", names)
    return dict(pairs)


def header_read(data):
    require(len(data) >= 8, "fewer than 8 bytes")
    (n,) = struct.unpack("<Q", data[:8])
    require(n <= 100_000_000 and 8 + n <= len(data), "a header of", n, "bytes")
    text = data[8:8 + n]
    require(text[:1] == b"{", "the header does not begin with {")
    return json.loads(text.decode("utf-8"), object_pairs_hook=unique), 8 + n


def metadata_take(header):
    """__metadata__ maps strings to strings, no more."""
    metadata = header.pop("__metadata__", {})
    for key, value in metadata.items():
        require(isinstance(value, str), "__metadata__", key, "is no string")
    return metadata


def place_check(name, tensor, end):
    """Where the tensor ends; `end` is where the one before it did. No holes, no overlaps."""
    require(set(tensor) == {"dtype", "shape", "data_offsets"}, name, "has", sorted(tensor))
    require(tensor["dtype"] in SIZES, name, "is", tensor["dtype"])
    require(all(type(d) is int and d >= 0 for d in tensor["shape"]), name, tensor["shape"])
    first, last = tensor["data_offsets"]
    require(first == end, name, "begins at", first, "and not at", end)
    size = math.prod(tensor["shape"]) * SIZES[tensor["dtype"]]
    require(last - first == size, name, "has", last - first, "bytes, not", size)
    return last


def file_read(path):
    """The tensors by name, as lists of rows or of numbers, and the metadata."""
    with open(path, "rb") as file:
        data = file.read()
    header, start = header_read(data)
    metadata = metadata_take(header)
    # What maps the file wants each number where its type may stand.
    require(start % 8 == 0, "the data begins at", start, "which 8 does not divide")
    tensors, end = {}, 0
    for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        first, end = end, place_check(name, tensor, end)
        require(tensor["dtype"] == "F32", name, "is", tensor["dtype"])
        values = struct.unpack(f"<{(end - first) // 4}f", data[start + first:start + end])
        shape = tensor["shape"]
        require(len(shape) in (1, 2), name, "has the shape", shape)
        tensors[name] = list(values) if len(shape) == 1 else [
            list(values[i * shape[1]:(i + 1) * shape[1]]) for i in range(shape[0])]
    require(start + end == len(data), "the file has", len(data), "bytes, not", start + end)
    return tensors, metadata


def cells_encode(cells, encoder):
    """A row of a table as inputs: a number each, or a place for each category, and one for
    a missing cell where there were any in training."""
    inputs = []
    for column in encoder:
        cell = cells.get(column["name"])
        if column["type"] == "category":
            inputs += [float(cell == known) for known in column["categories"]]
            if column["missing"] == "category":
                inputs.append(float(cell is None))
        else:
            inputs.append(column["mean"] if cell is None else float(cell))
    return inputs


def softmax(z):
    powers = [math.exp(x - max(z)) for x in z]
    return [p / sum(powers) for p in powers]


ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: [max(x, 0) for x in z],
    "tanh": lambda z: [math.tanh(x) for x in z],
    "sigmoid": lambda z: [1 / (1 + math.exp(-x)) for x in z],
    "softmax": softmax,
}


def forward(tensors, layers, a):
    """As PyTorch's nn.Sequential of Linear and activation in turn: 0.weight is (units out,
    units in), 1 is the activation, 2.weight is the next."""
    for k, layer in enumerate(layers):
        weight, bias = tensors[f"{2 * k}.weight"], tensors[f"{2 * k}.bias"]
        require(len(weight) == len(bias) == layer["units"], f"{2 * k}.weight: units out")
        require(all(len(row) == len(a) for row in weight), f"{2 * k}.weight: units in")
        z = [sum(w * x for w, x in zip(row, a)) + b for row, b in zip(weight, bias)]
        a = ACTIVATIONS[layer["activation"]](z)
    return a


def predict(tensors, document, row):
    if isinstance(row, dict):
        row = cells_encode(row, document["encoder"])
    if "transform.offset" in tensors:
        row = [(x - offset) * scale for x, offset, scale in
               zip(row, tensors["transform.offset"], tensors["transform.scale"])]
    return forward(tensors, document["layers"], row)


def main():
    tensors, metadata = file_read(sys.argv[1])
    document = json.loads(metadata["descentd"])
    wanted = {f"{2 * k}.{part}" for k in range(len(document["layers"]))
              for part in ("weight", "bias")}
    require(wanted <= set(tensors), "expected", sorted(wanted), "got", sorted(tensors))
    with open(sys.argv[2], encoding="utf-8") as file:
        print(json.dumps([predict(tensors, document, row) for row in json.load(file)]))


main()
