#!/usr/bin/env python3
"""Writes api/powers.c: the powers of ten that number scanning and printing share.

    python3 tests/golden/make_powers.py > api/powers.c
    python3 tests/golden/make_powers.py --check    # proves what the C code takes for granted

The check covers the integer logarithms, and the distance of a scaled float64 from the next
integer, which is what lets the printer tell "is an integer" from 128 bits of a power.
"""
import sys
from fractions import Fraction

MIN, MAX = -342, 324


def floor_log2(value):
    """floor(log2(value)) of a positive Fraction, exactly."""
    n, d = value.numerator, value.denominator
    e = n.bit_length() - d.bit_length()
    return e if Fraction(2) ** e <= value else e - 1


def floor_log10(value):
    e = len(str(value.numerator)) - len(str(value.denominator))
    while Fraction(10) ** e > value:
        e -= 1
    while Fraction(10) ** (e + 1) <= value:
        e += 1
    return e


def significand(q):
    power = Fraction(10) ** q
    scaled = power * Fraction(2) ** (127 - floor_log2(power))
    whole = scaled.numerator // scaled.denominator
    assert 1 << 127 <= whole < 1 << 128
    return whole


def nearest_gaps(alpha, count):
    """The smallest nonzero fraction of alpha * x, and of its distance to the next integer,
    over 1 <= x <= count: steps of the three-gap theorem, that is, Euclid's algorithm."""
    b = alpha.denominator
    f, g = alpha.numerator % b, b
    if count >= b:
        return (Fraction(1, b), Fraction(1, b)) if b > 1 else (Fraction(1), Fraction(1))
    x_f, x_g = 1, 0
    while True:
        if f < g:
            t = min((g - 1) // f, (count - x_g) // x_f)
            x_g, g = x_g + t * x_f, g - t * f
        else:
            t = min((f - 1) // g, (count - x_f) // x_g)
            x_f, f = x_f + t * x_g, f - t * g
        if t == 0:
            return Fraction(f, b), Fraction(g, b)


def check():
    for q in range(MIN, MAX + 1):
        assert (q * 217706) >> 16 == floor_log2(Fraction(10) ** q), q
        exact = Fraction(10) ** q * Fraction(2) ** (127 - ((q * 217706) >> 16))
        assert (exact.denominator == 1) == (0 <= q <= 55), q
    low = high = Fraction(1)
    for e in range(-1074, 972):
        regular = (e * 1262611) >> 22
        irregular = (e * 1262611 - 524031) >> 22
        assert regular == floor_log10(Fraction(2) ** e), e
        assert irregular == floor_log10(Fraction(3, 4) * Fraction(2) ** e), e
        for k in (regular, irregular):
            assert MIN <= -k <= MAX
            shift = e + ((-k * 217706) >> 16) + 1
            assert 1 <= shift <= 4, (e, k)
        # Scaled by 4: c and its two halfway points are even multiples of 2^e 10^-k ...
        alpha = Fraction(2) ** e * Fraction(10) ** -regular
        gaps = nearest_gaps(2 * alpha, 2**54 + 1)
        low, high = min(low, gaps[0]), min(high, gaps[1])
        # ... and below a power of two, where only c = 2^52 occurs, the lower one is odd.
        # (float32: c = 2^23)
        alpha = Fraction(2) ** e * Fraction(10) ** -irregular
        for c in (2**52, 2**23):
            for x in (4 * c - 1, 4 * c, 4 * c + 2):
                fraction = alpha * x % 1
                if fraction:
                    low, high = min(low, fraction), min(high, 1 - fraction)
    # The printer multiplies less than 2^59 by a power that is at most one unit of 2^-128 too
    # high: an integer shows as a fraction under 2^-69, and no other number may.
    print("smallest fraction %g, smallest gap to the next integer %g" % (low, high))
    assert min(low, high) > Fraction(1, 1 << 69)


def write():
    print('#include "api/powers.h"\n')
    print("/* Written by tests/golden/make_powers.py. */")
    print("const struct power powers_of_ten[POWERS_MAX - POWERS_MIN + 1] = {")
    cells = []
    for q in range(MIN, MAX + 1):
        s = significand(q)
        cells.append("{0x%016x, 0x%016x}," % (s >> 64, s & (1 << 64) - 1))
    for i in range(0, len(cells), 2):
        print("    " + " ".join(cells[i : i + 2]))
    print("};")


check() if sys.argv[1:] == ["--check"] else write()
