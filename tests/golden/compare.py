#!/usr/bin/python3
"""compare.py NEW OLD: whether the golden files of folder NEW are those of folder OLD: the same words,
and numbers within 1e-9 of each other, as another machine's BLAS sums in another order."""
import os
import sys


def off(new, old):
    try:
        return abs(float(new) - float(old)) / max(abs(float(old)), 1e-3)
    except ValueError:
        return float("inf")


def worst_of(new, old):
    new, old = new.split(), old.split()
    if len(new) != len(old):
        return float("inf")
    return max((off(a, b) for a, b in zip(new, old) if a != b), default=0)


def text_of(folder, name):
    with open(os.path.join(folder, name)) as file:
        return file.read()


def main():
    new, old = sys.argv[1:]
    failed = False
    for name in sorted(n for n in os.listdir(old) if n.endswith(".txt")):
        worst = worst_of(text_of(new, name), text_of(old, name))
        failed = failed or worst > 1e-9
        print("%-18s made anew within %.1e" % (name, worst))
    sys.exit(failed)


if __name__ == "__main__":
    main()
