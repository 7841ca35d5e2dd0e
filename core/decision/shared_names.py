"""Cases that share a name, such as the origin of a picture, count as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def join_by_name(names: Sequence[Collection[str]]) -> list[int]:
    """Return the group of each case, called by the place of its first case.

    Cases that share a name are of one group, directly or through others; one without a name is a
    group of its own. Time is linear in the names but for a logarithm.

    Args:
        names: Of each case.
    """
    above = list(range(len(names)))

    def first(at: int) -> int:
        while above[at] != at:
            above[at] = above[above[at]]
            at = above[at]
        return at

    met: dict[str, int] = {}
    for at, own in enumerate(names):
        for name in own:
            earlier, later = sorted((first(met.setdefault(name, at)), first(at)))
            above[later] = earlier
    return [first(at) for at in range(len(names))]
