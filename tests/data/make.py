#!/usr/bin/python3
"""Writes iris.csv and digits.csv beside this script from Debian's python3-sklearn package.

The package's data files are read, not its code; the rows stay in their order.
"""

import csv
import gzip
import pathlib

SOURCE = pathlib.Path("/usr/lib/python3/dist-packages/sklearn/datasets/data")
HERE = pathlib.Path(__file__).resolve().parent


def write_table(name, header, rows):
    with open(HERE / name, "w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_iris():
    with open(SOURCE / "iris.csv", newline="") as lines:
        rows = list(csv.reader(lines))
    samples, columns, *species = rows[0]
    assert (len(rows) - 1, len(rows[1]) - 1) == (int(samples), int(columns))
    header = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
    write_table("iris.csv", header, ([*row[:-1], species[int(row[-1])]] for row in rows[1:]))


def write_digits():
    with gzip.open(SOURCE / "digits.csv.gz", "rt", newline="") as lines:
        rows = [[int(float(cell)) for cell in row] for row in csv.reader(lines)]
    assert len(rows) == 1797 and all(len(row) == 65 for row in rows)
    header = [f"pixel_{y}_{x}" for y in range(8) for x in range(8)] + ["digit"]
    write_table("digits.csv", header, rows)


if __name__ == "__main__":
    write_iris()
    write_digits()
