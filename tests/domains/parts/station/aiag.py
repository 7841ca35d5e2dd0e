"""The attribute study that AIAG prints: 50 parts, 3 appraisers, 3 trials, 1 = accepted.

AIAG, Measurement Systems Analysis, 4th edition, table III-C 1 (3rd edition, p. 127). Copied by
hand; `test_msa` checks the rows against all six cross tables that are printed with them.
"""

from __future__ import annotations

# Parts on which all nine readings agree with the reference, by the reference; then the others:
# part, the readings A1-A3 B1-B3 C1-C3, reference.
GOOD = (1, 2, 8, 10, 11, 13, *range(15, 21), 23, 24, 27, 28, 29, 31, 32, 33, 35, 38, 40, 41, 44, 46)
GOOD += (47, 49)
BAD = (3, 4, 5, 9, 25, 37, 39, 42, 45, 48, 50)
MIXED = (
    (6, "110110100", 1),
    (7, "111111101", 1),
    (12, "000000010", 0),
    (14, "110111100", 1),
    (21, "110101010", 1),
    (22, "001010110", 0),
    (26, "010000001", 0),
    (30, "000001000", 0),
    (34, "001001011", 0),
    (36, "110111101", 1),
    (43, "101111110", 1),
)


def readings() -> list[tuple[int, str, int]]:
    """Return part, readings and reference of all 50 parts."""
    alike = [(part, "1" * 9, 1) for part in GOOD] + [(part, "0" * 9, 0) for part in BAD]
    return sorted([*alike, *MIXED])


def rows() -> list[dict[str, str]]:
    """Return one row a reading, as a CSV file has them."""
    return [
        {
            "part": str(part),
            "reference": str(reference),
            "appraiser": "ABC"[place // 3],
            "trial": str(place % 3 + 1),
            "result": result,
        }
        for part, results, reference in readings()
        for place, result in enumerate(results)
    ]
