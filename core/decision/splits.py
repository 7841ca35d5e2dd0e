"""Splits that keep a group together and every class represented."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import DataError

NAMES = ("train", "cal", "test")
CAL_KEY = "assay.cal/1"
CAL_SHARE = 0.4


def split_groups(
    labels: NDArray[Any],
    groups: NDArray[Any],
    fractions: tuple[float, float, float],
    seed: int,
    strata: NDArray[Any] | None = None,
) -> NDArray[np.str_]:
    """Return the split of each image: groups are assigned to train, cal and test.

    Groups are shuffled within their stratum and assigned by number alone, never by size, so that
    the groups of cal stay exchangeable with those to come. Within each stratum the split furthest
    behind its share is served first, so a class of a single group lands in the largest split.

    Args:
        labels: ``n``, class of each image.
        groups: ``n``, the group of each image; a group never falls into two splits.
        fractions: Shares of train, cal and test, by groups; they sum to one.
        seed: Same seed and data, same split, whatever the order of the images.
        strata: ``n``, what else to balance (site, product type); None for nothing.

    Returns:
        ``n`` strings: train, cal or test.

    Raises:
        ValueError: The arrays differ in length or the fractions are no shares.
    """
    if min(fractions) < 0.0 or abs(sum(fractions) - 1.0) > 1e-9:
        raise ValueError(f"fractions: expected three shares that sum to 1, got {fractions}")
    return np.array(NAMES)[_assign(labels, groups, strata, fractions, seed)]


def hold_out(
    labels: NDArray[Any], groups: NDArray[Any], share: float, key: str = CAL_KEY
) -> NDArray[np.bool_]:
    """Return which images certify: groups drawn by a hash of their names, whatever the seed.

    Of each class those with the lowest hashes are taken. So the split cannot be redrawn until it
    suits, and a group that is added moves only those at the edge of the share.

    Args:
        labels: ``n``, class of each image.
        groups: ``n``, the group of each image; a group is held out whole or not at all.
        share: The share of groups to hold out, of each class; a class of one group keeps it.
        key: Goes into the hash before the group's name.

    Returns:
        bool ``n``.

    Raises:
        ValueError: The arrays differ in length or the share is none.
    """
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"share: expected 0 to 1, got {share}")
    names, member = np.unique(groups, return_inverse=True)
    stratum = _strata_of_groups(labels, member, names.size, None)
    order = np.array(order_by_hash(names.tolist(), key), np.intp)
    is_held_out = np.zeros(names.size, np.bool_)
    for value in range(int(stratum.max(initial=-1)) + 1):
        queue = order[stratum[order] == value]
        is_held_out[queue[: int(share * queue.size + 0.5)]] = True
    return is_held_out[member]


def draw_split(name: str, share: float = CAL_SHARE, key: str = CAL_KEY) -> str:
    """Return the split that a group joins by itself: cal with probability ``share``, else train.

    The same hash as in ``hold_out``, so that training on the same groups together divides them
    alike, but for those at the edge of the share.

    Args:
        name: The group's name.
        share: The share of groups to hold out.
        key: Goes into the hash before the group's name.
    """
    number = int.from_bytes(_hash(name, key)[:8], "big")
    return "cal" if number < share * 2.0**64 else "train"


def order_by_hash(names: Sequence[Any], key: str = CAL_KEY) -> list[int]:
    """Return the places of names in the order of their keyed hashes."""
    hashes = [_hash(name, key) for name in names]
    return sorted(range(len(hashes)), key=hashes.__getitem__)


def _hash(name: Any, key: str) -> bytes:  # noqa: ANN401
    return hashlib.sha256(f"{key}\0{name}".encode()).digest()


def folds(labels: NDArray[Any], groups: NDArray[Any], k: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each image, 0 to k - 1, grouped and stratified as in ``split_groups``.

    Raises:
        ValueError: The arrays differ in length or k < 2.
        DataError: There are fewer groups than folds.
    """
    if k < 2:
        raise ValueError(f"k: expected 2 folds or more, got {k}")
    known = np.unique(groups).size
    if known < k:
        raise DataError(
            f"{k} folds need at least {k} groups, got {known}.",
            hint="Add images of further groups (parts, patients, fields).",
        )
    return _assign(labels, groups, None, (1.0 / k,) * k, seed)


def _assign(
    labels: NDArray[Any],
    groups: NDArray[Any],
    strata: NDArray[Any] | None,
    shares: Sequence[float],
    seed: int,
) -> NDArray[np.int64]:
    names, member = np.unique(groups, return_inverse=True)
    stratum = _strata_of_groups(labels, member, names.size, strata)
    rng = np.random.default_rng(seed)
    place = np.zeros(names.size, dtype=np.int64)
    overall = [0.0] * len(shares)
    for value in range(int(stratum.max(initial=-1)) + 1):
        queue = rng.permutation(np.flatnonzero(stratum == value))
        behind = [share * queue.size for share in shares]
        for group in queue.tolist():
            overall = [due + share for due, share in zip(overall, shares, strict=True)]
            # Rounding makes equal debts equal, whatever sums of fractions they came from.
            debts = [(round(b, 9), round(o, 9)) for b, o in zip(behind, overall, strict=True)]
            chosen = debts.index(max(debts))
            behind[chosen] -= 1.0
            overall[chosen] -= 1.0
            place[group] = chosen
    return place[member]


def _strata_of_groups(
    labels: NDArray[Any], member: NDArray[np.intp], count: int, strata: NDArray[Any] | None
) -> NDArray[np.intp]:
    """Return the stratum of each group: its rarest label joined with its rarest stratum."""
    if labels.shape != member.shape or (strata is not None and strata.shape != member.shape):
        raise ValueError(f"labels, strata: expected shape {member.shape} like groups")
    if count == 0:
        return np.zeros(0, dtype=np.intp)
    label = _rarest(labels, member, count)
    other = np.zeros(count, np.intp) if strata is None else _rarest(strata, member, count)
    return np.unique(label * (other.max() + 1) + other, return_inverse=True)[1]


def _rarest(values: NDArray[Any], member: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return for each group its value that the fewest groups have, as a number."""
    _, number = np.unique(values, return_inverse=True)
    pairs = np.unique(np.stack([number, member]), axis=1)
    rarity = np.bincount(pairs[0])[pairs[0]]
    order = np.lexsort((pairs[0], rarity, pairs[1]))
    first = np.unique(pairs[1][order], return_index=True)[1]
    chosen = np.zeros(count, dtype=np.intp)
    chosen[pairs[1][order][first]] = pairs[0][order][first]
    return chosen
