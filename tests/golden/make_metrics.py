#!/usr/bin/python3
"""Writes the golden metrics that tests/unit/engine/test_metrics.c holds its own against.

The values are those of scikit-learn's functions, on the same float32 numbers that the file
holds. Run from the top of the repository: /usr/bin/python3 tests/golden/make_metrics.py
(Debian's python3-sklearn, 1.2.1).

A case of classes, a line each:
    classes NAME M K
    y ...                        (the true class of each row)
    p ...                        (a line a row: K probabilities)
    accuracy, precision, recall, f1, roc_auc, log_loss, each with its value (nan: undefined)
    confusion ...                (by rows, K*K counts)
A case of values:
    values NAME M K
    t ... / p ...                (a line a row each: K targets, K predictions)
    mse, rmse, mae, r2
"""
import numpy as np
from sklearn import metrics


def line(name, numbers):
    return name + " " + " ".join("%.9g" % x for x in np.ravel(numbers)) + "\n"


def exact(name, number):
    return f"{name} {float(number)!r}\n"


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def roc_auc(y, p):
    k = p.shape[1]
    if len(np.unique(y)) < k:  # scikit-learn refuses
        return np.nan
    if k == 2:
        return metrics.roc_auc_score(y, p[:, 1])
    return metrics.roc_auc_score(y, p, multi_class="ovr", average="macro")


def classes(name, y, p):
    p = np.asarray(p, dtype=np.float32)
    m, k = p.shape
    wide = p.astype(np.float64)
    predicted = p.argmax(axis=1)
    mean = {"average": "binary" if k == 2 else "macro", "zero_division": 0}
    out = f"classes {name} {m} {k}\n" + line("y", y)
    out += "".join(line("p", row) for row in p)
    out += exact("accuracy", metrics.accuracy_score(y, predicted))
    out += exact("precision", metrics.precision_score(y, predicted, **mean))
    out += exact("recall", metrics.recall_score(y, predicted, **mean))
    out += exact("f1", metrics.f1_score(y, predicted, **mean))
    out += exact("roc_auc", roc_auc(y, wide))
    out += exact("log_loss", metrics.log_loss(y, wide, labels=range(k)))
    return out + line("confusion", metrics.confusion_matrix(y, predicted, labels=range(k)))


def values(name, targets, predictions):
    t = np.asarray(targets, dtype=np.float32)
    p = np.asarray(predictions, dtype=np.float32)
    m, k = t.shape
    out = f"values {name} {m} {k}\n"
    out += "".join(line("t", t[i]) + line("p", p[i]) for i in range(m))
    t, p = t.astype(np.float64), p.astype(np.float64)
    out += exact("mse", metrics.mean_squared_error(t, p))
    out += exact("rmse", metrics.mean_squared_error(t, p, squared=False))
    out += exact("mae", metrics.mean_absolute_error(t, p))
    return out + exact("r2", metrics.r2_score(t, p))


def guessed(rng, m, k, skill):
    """Classes and the probabilities of somebody who sees them dimly."""
    y = rng.integers(0, k, m)
    y[:k] = np.arange(k)
    return y, softmax(rng.normal(size=(m, k)) + skill * np.eye(k)[y])


def tied(rng, m, k):
    """Eighths: equal scores within a column, and equal largest ones within a row."""
    y = rng.integers(0, k, m)
    return y, rng.multinomial(8, np.full(k, 1 / k), size=m) / 8


def main():
    rng = np.random.default_rng(17)
    out = classes("binary", *guessed(rng, 90, 2, 1))
    out += classes("binary_ties", *tied(rng, 80, 2))
    out += classes("three", *guessed(rng, 70, 3, 1))
    out += classes("three_ties", *tied(rng, 80, 3))
    out += classes("five", *guessed(rng, 90, 5, 1.5))

    y, p = guessed(rng, 60, 5, 1)
    p[:, 3] *= 1e-3
    out += classes("never_predicted", y, p / p.sum(axis=1, keepdims=True))
    y, p = guessed(rng, 40, 2, 1)
    out += classes("one_class", np.zeros_like(y), p)
    out += classes("never_second", y, np.stack([0.75 + p[:, 0] / 4, p[:, 1] / 4], axis=1))
    y, p = guessed(rng, 50, 4, 2)
    p[:, 2] = 0
    out += classes("absent", np.where(y == 2, 1, y), p / p.sum(axis=1, keepdims=True))
    y, p = guessed(rng, 50, 4, 0.5)
    out += classes("only_predicted", np.where(y == 2, 1, y), p)
    certain = rng.integers(0, 3, 30)
    out += classes("certain", rng.permutation(np.arange(30) % 3), np.eye(3)[certain])
    y, p = guessed(rng, 40, 2, 0)
    p = np.where(rng.random(40) < 0.3, 10.0 ** -rng.integers(5, 40, 40), p[:, 1])
    out += classes("extremes", y, np.stack([1 - p, p], axis=1))

    t = rng.normal(size=(60, 1))
    out += values("one_output", t, t + 0.5 * rng.normal(size=t.shape))
    t = rng.normal(size=(60, 2)) * [1, 30] + [5, -2000]
    out += values("two_outputs", t, t + rng.normal(size=t.shape) * [2, 3])
    t = 1e30 * rng.normal(size=(20, 1))
    out += values("huge", t, t * 1.1)
    with open("tests/golden/metrics.txt", "w") as file:
        file.write(out)


if __name__ == "__main__":
    main()
