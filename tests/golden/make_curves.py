#!/usr/bin/python3
"""Writes the golden cost curves that tests/unit/engine/test_golden.c holds training against.

An implementation of its own in float64, written from the formulas. Run from the top of the
repository: /usr/bin/python3 tests/golden/make_curves.py (Debian's python3-numpy). Inputs and
first parameters are rounded to float32 before they are used, so both sides start the same. Where
Debian's python3-torch is there, each is trained by torch's autograd and SGD as well, with the
same masks, and must agree with the formulas; torch is no other part of the files.

A file: a line a setting, `name value ...`, then a line a sample or layer:
    rows 200
    inputs 4
    layers 5 tanh 1 sigmoid       or 5 tanh dropout 0.25 1 sigmoid
    loss binary_cross_entropy
    learning_rate 0.5
    batch_rows 0                  0: the full batch; else mini-batches in the order of the rows
    epochs 50
    x ...                         (one line a sample: its inputs)
    y ...                         (one line: targets, or classes for cross_entropy)
    w ... / b ...                 (one line each a layer: W[l] by rows, b[l])
    cost ...                      (one line: the cost at epochs 0, 1, ..., epochs)
"""
import os

import numpy as np

try:
    import torch
except ImportError:
    torch = None

SEED = 0x0123456789ABCDEF  # of the masks of dropout
DROPOUT = 4 << 56

ACTIVATIONS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0) * 1.0),
    "linear": (lambda z: z, lambda z, a: np.ones_like(z)),
}


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def float32(x):
    return np.asarray(x, dtype=np.float32).astype(np.float64)


def philox(seed, stream, index):
    """Philox4x32-10 as its paper has it: the four words of each block, (len(index), 4)."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    index = index.astype(np.uint64)
    words = [index & low, index >> half]
    words += [np.full_like(index, stream & 0xFFFFFFFF), np.full_like(index, stream >> 32)]
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * words[0], np.uint64(0xCD9E8D57) * words[2]
        k = [np.uint64(key) for key in keys]
        words = [(b >> half) ^ words[1] ^ k[0], b & low, (a >> half) ^ words[3] ^ k[1], a & low]
        keys = [(keys[0] + 0x9E3779B9) & 0xFFFFFFFF, (keys[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(words, axis=1)


def mask_of(net, layer, update, rows):
    """What dropout multiplies the layer's outputs by: engine/dropout.h says which words."""
    d = float(np.float32(net["dropout"][layer]))
    units = len(net["w"][layer])
    blocks = (units + 3) // 4
    words = philox(SEED, DROPOUT | update << 8 | layer, np.arange(rows * blocks))
    words = words.reshape(rows, 4 * blocks)[:, :units]
    return (words >= np.uint64(int(d * 2**32))) / (1 - d)


def propagate(net, x, masks=None):
    """Z and A of each layer, A[0] = x, and what goes on from it: A times its mask."""
    zs, activations, passed = [None], [x], [x]
    for layer, (w, b, name) in enumerate(zip(net["w"], net["b"], net["names"])):
        z = passed[-1] @ w.T + b
        zs.append(z)
        activations.append(softmax(z) if name == "softmax" else ACTIVATIONS[name][0](z))
        passed.append(activations[-1] * (masks[layer] if masks else 1))
    return zs, activations, passed


def cost_of(net, a, y):
    if net["loss"] == "cross_entropy":
        return -np.log(a[np.arange(len(y)), y]).mean()
    if net["loss"] == "mse":
        return ((a - y) ** 2 / 2).sum(axis=1).mean()
    return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=1).mean()


def output_error(net, zs, activations, y):
    """dZ of the output layer, a row a sample, divided by their number."""
    a = activations[-1]
    if net["loss"] == "cross_entropy":
        d = a.copy()
        d[np.arange(len(y)), y] -= 1
    else:
        d = a - y
        if net["loss"] == "mse":
            d = d * ACTIVATIONS[net["names"][-1]][1](zs[-1], a)
    return d / len(a)


def descend(net, x, y, learning_rate, update):
    """One update. Returns the cost before it, of the net that the masks leave."""
    masks = [mask_of(net, layer, update, len(x)) for layer in range(len(net["w"]))]
    zs, activations, passed = propagate(net, x, masks)
    d = output_error(net, zs, activations, y)
    for layer in reversed(range(len(net["w"]))):
        dw, db = d.T @ passed[layer], d.sum(axis=0)
        if layer:
            slope = ACTIVATIONS[net["names"][layer - 1]][1](zs[layer], activations[layer])
            d = (d @ net["w"][layer]) * masks[layer - 1] * slope
        net["w"][layer] = net["w"][layer] - learning_rate * dw
        net["b"][layer] = net["b"][layer] - learning_rate * db
    return cost_of(net, activations[-1], y)


def curve(net, x, y, learning_rate, batch_rows, epochs):
    costs = [cost_of(net, propagate(net, x)[1][-1], y)]
    size = batch_rows or len(x)
    update = 0
    for _ in range(epochs):
        total = 0
        for at in range(0, len(x), size):
            part = slice(at, at + size)
            total += descend(net, x[part], y[part], learning_rate, update) * len(x[part])
            update += 1
        after = cost_of(net, propagate(net, x)[1][-1], y)
        costs.append(total / len(x) if batch_rows else after)
    return costs


def torch_forward(net, parameters, x, masks):
    a = x
    for layer, (w, b, name) in enumerate(zip(*parameters, net["names"])):
        z = a @ w.T + b
        a = z if name in ("linear", "softmax") else getattr(torch, name)(z)
        if masks:
            a = a * torch.tensor(masks[layer])
    return a  # of a softmax what goes into it, as torch's cross-entropy takes it


def torch_curve(net, x, y, learning_rate, batch_rows, epochs):
    losses = {
        "cross_entropy": torch.nn.functional.cross_entropy,
        "binary_cross_entropy": torch.nn.functional.binary_cross_entropy,
        "mse": torch.nn.functional.mse_loss,
    }
    x, y = torch.tensor(x), torch.tensor(y)
    parameters = [[torch.tensor(p, requires_grad=True) for p in net[key]] for key in "wb"]
    optimizer = torch.optim.SGD(parameters[0] + parameters[1], learning_rate)
    share = y.shape[1] / 2 if net["loss"] == "mse" else 1  # torch takes the mean of the outputs

    def cost(rows, masks=None):
        a = torch_forward(net, parameters, x[rows], masks)
        return losses[net["loss"]](a, y[rows]) * share

    everything, size, update = slice(0, len(x)), batch_rows or len(x), 0
    costs = [cost(everything).item()]
    for _ in range(epochs):
        total = 0
        for at in range(0, len(x), size):
            part = slice(at, at + size)
            masks = [mask_of(net, l, update, len(x[part])) for l in range(len(net["w"]))]
            optimizer.zero_grad()
            loss = cost(part, masks)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x[part])
            update += 1
        costs.append(total / len(x) if batch_rows else cost(everything).item())
    return np.array(costs)


def numbers(values, digits=9):
    return " ".join("%.*g" % (digits, v) for v in np.ravel(values))


def write(name, net, x, y, learning_rate, batch_rows, epochs):
    units = [str(len(w)) for w in net["w"]]
    tails = [" dropout %g" % d if d else "" for d in net["dropout"]]
    lines = [
        "rows %d" % len(x),
        "inputs %d" % x.shape[1],
        "layers " + " ".join(
            u + " " + n + t for u, n, t in zip(units, net["names"], tails)),
        "loss " + net["loss"],
        "learning_rate %g" % learning_rate,
        "batch_rows %d" % batch_rows,
        "epochs %d" % epochs,
    ]
    lines += ["x " + numbers(row) for row in x]
    lines += ["y " + numbers(y)]
    for w, b in zip(net["w"], net["b"]):
        lines += ["w " + numbers(w), "b " + numbers(b)]
    rate, beside = float(np.float32(learning_rate)), "not compared with torch"
    other = torch_curve(net, x, y, rate, batch_rows, epochs) if torch else None
    costs = np.array(curve(net, x, y, rate, batch_rows, epochs))
    if torch:
        off = np.abs(other / costs - 1).max()
        assert off < 1e-10, (name, off)
        beside = "torch within %.1e" % off
    lines += ["cost " + numbers(costs, 15)]
    path = os.path.join(os.path.dirname(__file__), name)
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    print("%-16s %.6f -> %.6f, %s" % (name, costs[0], costs[-1], beside))


def net_of(loss, inputs, layers, scale, rng):
    net = {"loss": loss, "names": [n for _, n in layers], "w": [], "b": []}
    net["dropout"] = [0] * len(layers)
    for units, _ in layers:
        net["w"].append(float32(rng.standard_normal((units, inputs)) * scale(inputs)))
        net["b"].append(float32(np.zeros(units)))
        inputs = units
    return net


def logistic(rng):
    x = float32(rng.standard_normal((150, 5)))
    chance = 1 / (1 + np.exp(-(x @ np.array([2, -1, 0.5, 0, 1]) + 0.3)))
    y = (rng.random(150) < chance).astype(float).reshape(-1, 1)
    net = net_of("binary_cross_entropy", 5, [(1, "sigmoid")], lambda n: 0, rng)
    write("logistic.txt", net, x, y, 0.5, 0, 100)


def planar(rng):
    """Two classes as the petals of a flower."""
    half = 200
    x, y = np.zeros((2 * half, 2)), np.zeros((2 * half, 1))
    for k in range(2):
        angle = np.linspace(k * 3.12, (k + 1) * 3.12, half) + rng.standard_normal(half) * 0.2
        radius = 4 * np.sin(4 * angle) + rng.standard_normal(half) * 0.2
        rows = slice(k * half, (k + 1) * half)
        x[rows] = np.c_[radius * np.sin(angle), radius * np.cos(angle)]
        y[rows] = k
    layers = [(4, "tanh"), (1, "sigmoid")]
    net = net_of("binary_cross_entropy", 2, layers, lambda n: 0.01, rng)
    write("planar.txt", net, float32(x), y, 1.2, 0, 100)


def blobs(rng, rows, inputs, classes):
    y = np.arange(rows) % classes
    centres = rng.standard_normal((classes, inputs)) * 1.5
    return float32(centres[y] + rng.standard_normal((rows, inputs))), y


def four_layers(rng):
    x, y = blobs(rng, 160, 12, 2)
    layers = [(20, "relu"), (7, "relu"), (5, "relu"), (1, "sigmoid")]
    net = net_of("binary_cross_entropy", 12, layers, lambda n: np.sqrt(2 / n), rng)
    write("four_layers.txt", net, x, y.astype(float).reshape(-1, 1), 0.0075, 0, 100)


def mini_batch(rng):
    x, y = blobs(rng, 150, 8, 3)
    layers = [(10, "relu"), (3, "softmax")]
    net = net_of("cross_entropy", 8, layers, lambda n: np.sqrt(2 / n), rng)
    write("mini_batch.txt", net, x, y, 0.02, 32, 50)


def regression(rng):
    x = float32(rng.uniform(-1, 1, (120, 3)))
    y = float32(np.c_[np.sin(2 * x[:, 0]) + x[:, 1], x[:, 2] * x[:, 0]])
    layers = [(8, "tanh"), (2, "linear")]
    net = net_of("mse", 3, layers, lambda n: 1 / np.sqrt(n), rng)
    write("regression.txt", net, x, y, 0.1, 50, 50)


def dropout(rng):
    x, y = blobs(rng, 150, 8, 3)
    layers = [(30, "tanh"), (10, "sigmoid"), (3, "softmax")]
    net = net_of("cross_entropy", 8, layers, lambda n: np.sqrt(2 / n), rng)
    net["dropout"] = [0.3, 0.1, 0]
    write("dropout.txt", net, x, y, 0.1, 32, 50)


def dropout_full(rng):
    x, y = blobs(rng, 100, 6, 2)
    layers = [(9, "relu"), (1, "sigmoid")]
    net = net_of("binary_cross_entropy", 6, layers, lambda n: np.sqrt(2 / n), rng)
    net["dropout"] = [0.5, 0]
    write("dropout_full.txt", net, x, y.astype(float).reshape(-1, 1), 0.1, 0, 50)


if __name__ == "__main__":
    for seed, make in enumerate(
        [logistic, planar, four_layers, mini_batch, regression, dropout, dropout_full]
    ):
        make(np.random.default_rng(seed))
