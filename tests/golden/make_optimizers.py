#!/usr/bin/python3
"""Writes tests/golden/optimizers.txt: cost curves of each optimizer, with l2, clipping, decay
and schedules, that tests/unit/engine/test_golden.c holds training against.

In float64, written from the formulas; net and data as in make_curves.py. Run from the top of the
repository: /usr/bin/python3 tests/golden/make_optimizers.py (Debian's python3-numpy). Where
Debian's python3-torch is there, each case is trained by torch.optim, autograd and torch's
schedulers as well, and must agree with the formulas; torch is no other part of the file. Torch
adds 1e-6 to the norm that it clips by, and has neither inverse_time nor a warm-up: there its
rate is set by hand.

The file: rows, inputs, layers, loss, x, y, w, b as in make_curves.py, then a case:
    case adam_l2
    optimizer adam
    options 0.02 0.9 0 0.9 0.999 1e-08 0 0.5 0     learning_rate momentum nesterov beta_1 beta_2
                                                   epsilon weight_decay l2 clip_norm
    schedule constant
    decay 0 0 0 0                                  decay_rate step_epochs minimum_rate
                                                   warmup_epochs
    batch_rows 0
    epochs 50
    cost ...                                       (the cost at epochs 0, 1, ..., epochs)
"""
import copy
import math
import os

import numpy as np
from make_curves import (ACTIVATIONS, blobs, cost_of, float32, net_of, numbers, output_error,
                         propagate)

try:
    import torch
except ImportError:
    torch = None

OPTIONS = ["learning_rate", "momentum", "nesterov", "beta_1", "beta_2", "epsilon", "weight_decay",
           "l2", "clip_norm"]
DECAY = ["decay_rate", "step_epochs", "minimum_rate", "warmup_epochs"]
DEFAULTS = dict(optimizer="gradient_descent", momentum=0.9, nesterov=0, beta_1=0.9, beta_2=0.999,
                epsilon=1e-8, weight_decay=0, l2=0, clip_norm=0, schedule="constant", decay_rate=0,
                step_epochs=0, minimum_rate=0, warmup_epochs=0, batch_rows=0, epochs=50)
CASES = {
    "momentum": dict(optimizer="momentum", learning_rate=0.05),
    "nesterov": dict(optimizer="momentum", learning_rate=0.05, nesterov=1, momentum=0.8),
    "rmsprop": dict(optimizer="rmsprop", learning_rate=0.005, beta_2=0.9),
    "adam": dict(optimizer="adam", learning_rate=0.02),
    "adamw": dict(optimizer="adamw", learning_rate=0.02, weight_decay=0.1),
    "l2": dict(learning_rate=0.3, l2=0.7),
    "momentum_l2": dict(optimizer="momentum", learning_rate=0.05, l2=0.7),
    "rmsprop_l2": dict(optimizer="rmsprop", learning_rate=0.005, beta_2=0.9, l2=0.7),
    "adam_l2": dict(optimizer="adam", learning_rate=0.02, l2=0.7),
    "clip": dict(learning_rate=0.5, clip_norm=0.3),
    "adam_l2_clip": dict(optimizer="adam", learning_rate=0.02, l2=0.7, clip_norm=0.2),
    "step": dict(learning_rate=0.5, schedule="step", decay_rate=0.5, step_epochs=12),
    "exponential": dict(learning_rate=0.5, schedule="exponential", decay_rate=0.95),
    "inverse_time": dict(learning_rate=0.5, schedule="inverse_time", decay_rate=0.1),
    "cosine": dict(optimizer="adam", learning_rate=0.03, schedule="cosine", minimum_rate=0.001),
    "warmup": dict(optimizer="momentum", learning_rate=0.1, schedule="cosine", warmup_epochs=7),
    "adam_batches": dict(optimizer="adam", learning_rate=0.01, batch_rows=16, epochs=10),
    "all_batches": dict(optimizer="adamw", learning_rate=0.01, weight_decay=0.05, l2=0.1,
                        clip_norm=0.5, batch_rows=16, epochs=10, schedule="step",
                        decay_rate=0.7, step_epochs=3, warmup_epochs=2),
}


def rate_at(case, epoch):
    alpha, warmup = case["learning_rate"], case["warmup_epochs"]
    if epoch < warmup:
        return alpha * (epoch + 1) / warmup
    e, least, d = epoch - warmup, case["minimum_rate"], case["decay_rate"]
    if case["schedule"] == "step":
        return alpha * d ** (e // case["step_epochs"])
    if case["schedule"] == "exponential":
        return alpha * d**e
    if case["schedule"] == "inverse_time":
        return alpha / (1 + d * e)
    if case["schedule"] == "cosine":
        share = math.pi * e / (case["epochs"] - warmup)
        return least + (alpha - least) / 2 * (1 + math.cos(share))
    return alpha


def gradients(net, x, y, l2):
    """dW and db of each layer, of the cost with its penalty."""
    zs, activations, _ = propagate(net, x)
    d = output_error(net, zs, activations, y)
    dws, dbs = [], []
    for layer in reversed(range(len(net["w"]))):
        dws.insert(0, d.T @ activations[layer] + l2 / len(x) * net["w"][layer])
        dbs.insert(0, d.sum(axis=0))
        if layer:
            slope = ACTIVATIONS[net["names"][layer - 1]][1](zs[layer], activations[layer])
            d = (d @ net["w"][layer]) * slope
    return dws + dbs


def cost_with_penalty(net, x, y, l2, batches=1):
    penalty = l2 / (2 * len(x)) * sum((w**2).sum() for w in net["w"])
    return cost_of(net, propagate(net, x)[1][-1], y) + batches * penalty


def moved(case, p, g, state, rate, t):
    """A parameter after update t."""
    mu, b1, b2, eps = case["momentum"], case["beta_1"], case["beta_2"], case["epsilon"]
    kind = case["optimizer"]
    if kind == "gradient_descent":
        return p - rate * g
    if kind == "momentum":
        state["v"] = mu * state["v"] + g
        return p - rate * (g + mu * state["v"] if case["nesterov"] else state["v"])
    state["s"] = b2 * state["s"] + (1 - b2) * g * g
    if kind == "rmsprop":
        return p - rate * g / (np.sqrt(state["s"]) + eps)
    state["v"] = b1 * state["v"] + (1 - b1) * g
    v, s = state["v"] / (1 - b1**t), state["s"] / (1 - b2**t)
    return p - rate * v / (np.sqrt(s) + eps)


def update(case, net, x, y, states, rate, t):
    grads = gradients(net, x, y, case["l2"])
    norm = math.sqrt(sum((g * g).sum() for g in grads))
    if case["clip_norm"] and norm > case["clip_norm"]:
        grads = [g * case["clip_norm"] / norm for g in grads]
    layers = len(net["w"])
    for i, g in enumerate(grads):
        name, layer = ("w", i) if i < layers else ("b", i - layers)
        p = net[name][layer]
        if name == "w" and case["optimizer"] == "adamw":
            p = p - rate * case["weight_decay"] * p
        net[name][layer] = moved(case, p, g, states[i], rate, t)


def parts_of(case, rows):
    size = case["batch_rows"] or rows
    return [slice(at, at + size) for at in range(0, rows, size)]


def curve(case, first, x, y):
    net, t, parts, l2 = copy.deepcopy(first), 0, parts_of(case, len(x)), case["l2"]
    states = [{"v": 0.0, "s": 0.0} for _ in range(2 * len(net["w"]))]
    costs = [cost_with_penalty(net, x, y, l2, len(parts))]
    for epoch in range(case["epochs"]):
        total = 0
        for part in parts:
            total += cost_with_penalty(net, x[part], y[part], l2) * len(x[part])
            t += 1
            update(case, net, x[part], y[part], states, rate_at(case, epoch), t)
        costs.append(total / len(x) if len(parts) > 1 else cost_with_penalty(net, x, y, l2))
    return np.array(costs)


def torch_optimizer(case, weights, biases):
    groups = [{"params": weights}, {"params": biases, "weight_decay": 0}]
    rate, betas, eps = case["learning_rate"], (case["beta_1"], case["beta_2"]), case["epsilon"]
    kind = case["optimizer"]
    if kind == "gradient_descent":
        return torch.optim.SGD(groups, rate)
    if kind == "momentum":
        return torch.optim.SGD(groups, rate, case["momentum"], nesterov=bool(case["nesterov"]))
    if kind == "rmsprop":
        return torch.optim.RMSprop(groups, rate, alpha=case["beta_2"], eps=eps)
    if kind == "adam":
        return torch.optim.Adam(groups, rate, betas, eps)
    return torch.optim.AdamW(groups, rate, betas, eps, weight_decay=case["weight_decay"])


def torch_schedule(case, optimizer):
    schedulers = torch.optim.lr_scheduler
    if case["warmup_epochs"] or case["schedule"] in ("constant", "inverse_time"):
        return schedulers.LambdaLR(optimizer,
                                   lambda e: rate_at(case, e) / case["learning_rate"])
    if case["schedule"] == "step":
        return schedulers.StepLR(optimizer, case["step_epochs"], case["decay_rate"])
    if case["schedule"] == "exponential":
        return schedulers.ExponentialLR(optimizer, case["decay_rate"])
    return schedulers.CosineAnnealingLR(optimizer, case["epochs"], case["minimum_rate"])


def torch_curve(case, first, x, y):
    x, y = torch.tensor(x), torch.tensor(y)
    weights = [torch.tensor(w, requires_grad=True) for w in first["w"]]
    biases = [torch.tensor(b, requires_grad=True) for b in first["b"]]

    def cost(rows, batches=1):
        a = torch.tanh(x[rows] @ weights[0].T + biases[0])
        loss = torch.nn.functional.cross_entropy(a @ weights[1].T + biases[1], y[rows])
        penalty = case["l2"] / (2 * len(x[rows])) * sum((w**2).sum() for w in weights)
        return loss + batches * penalty

    everything, parts = slice(0, len(x)), parts_of(case, len(x))
    optimizer = torch_optimizer(case, weights, biases)
    schedule = torch_schedule(case, optimizer)
    costs = [cost(everything, len(parts)).item()]
    for _ in range(case["epochs"]):
        total = 0
        for part in parts:
            optimizer.zero_grad()
            loss = cost(part)
            loss.backward()
            if case["clip_norm"]:
                torch.nn.utils.clip_grad_norm_(weights + biases, case["clip_norm"])
            optimizer.step()
            total += loss.item() * len(x[part])
        schedule.step()
        costs.append(total / len(x) if len(parts) > 1 else cost(everything).item())
    return np.array(costs)


def case_lines(name, given, net, x, y):
    case = {**DEFAULTS, **given}
    for key in OPTIONS + ["decay_rate", "minimum_rate"]:
        case[key] = float(np.float32(case[key]))
    costs, beside = curve(case, net, x, y), "not compared with torch"
    if torch:
        off = np.abs(torch_curve(case, net, x, y) / costs - 1).max()
        assert off < (5e-6 if case["clip_norm"] else 1e-10), (name, off)
        beside = "torch within %.1e" % off
    print("%-14s %.6f -> %.6f, %s" % (name, costs[0], costs[-1], beside))
    return [
        "case " + name,
        "optimizer " + case["optimizer"],
        "options " + numbers([case[key] for key in OPTIONS]),
        "schedule " + case["schedule"],
        "decay " + numbers([case[key] for key in DECAY]),
        "batch_rows %d" % case["batch_rows"],
        "epochs %d" % case["epochs"],
        "cost " + numbers(costs, 15),
    ]


def main():
    rng = np.random.default_rng(6)
    x, y = blobs(rng, 70, 5, 3)
    layers = [(6, "tanh"), (3, "softmax")]
    net = net_of("cross_entropy", 5, layers, lambda n: 1 / np.sqrt(n), rng)
    net["b"] = [float32(rng.standard_normal(len(b)) * 0.5) for b in net["b"]]
    lines = ["rows %d" % len(x), "inputs %d" % x.shape[1],
             "layers " + " ".join("%d %s" % layer for layer in layers), "loss " + net["loss"]]
    lines += ["x " + numbers(row) for row in x] + ["y " + numbers(y)]
    for w, b in zip(net["w"], net["b"]):
        lines += ["w " + numbers(w), "b " + numbers(b)]
    for name, given in CASES.items():
        lines += case_lines(name, given, net, x, y)
    path = os.path.join(os.path.dirname(__file__), "optimizers.txt")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    print(path, os.path.getsize(path))


if __name__ == "__main__":
    main()
