"""Names of people, as they stand among other words."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping

from core.records import people
from core.records.connection import Store

_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"
_PLAIN = {"L", "EN", "ES", "ET", "CS", "ON", "WS", "BN", "NSM"}


def names_of(store: Store, ids: Collection[str]) -> Mapping[str, str]:
    """Return the names of people by the ids that rows hold, each ready to stand in a sentence.

    Raises:
        StoreError: The database failed.
    """
    return {one: isolate(name) for one, name in people.names_of(store, ids).items()}


def isolate(name: str) -> str:
    """Return a name that leaves the order of what stands beside it as it is.

    Without that the bidirectional algorithm takes a date after a Hebrew or Arabic name into the
    name's own direction, and shows it before the name (Unicode Standard Annex 9, isolates).
    """
    if all(unicodedata.bidirectional(one) in _PLAIN for one in name):
        return name
    return f"{_FIRST_STRONG_ISOLATE}{name}{_POP_ISOLATE}"
