"""The pictures of a part, opened in order whatever they lie on."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from core.batch.plan import is_archive
from core.batch.remote import is_url, open_remote_archive, open_url
from core.imaging.files import Incoming, open_file
from core.imaging.junk import Skipped
from core.imaging.zip_archive import open_archive

AHEAD = 16
"""Objects that are fetched at a time: an answer from a server takes longer than a verdict."""

T = TypeVar("T")
R = TypeVar("R")


def open_locations(
    locations: Sequence[bytes], max_bytes: int, suffixes: frozenset[str], skipped: Skipped
) -> Iterator[Incoming]:
    """Yield the pictures of locations in order: of a file one, of an archive all.

    Raises:
        AssayError: A server cannot be reached.
    """

    def fetch(location: bytes) -> Incoming | None:
        name = os.fsdecode(location)
        if is_archive(location):
            return None
        return open_url(name, max_bytes) if is_url(name) else open_file(Path(name), max_bytes)

    has_urls = any(is_url(os.fsdecode(one)) for one in locations)
    ahead = _fetch_ahead(fetch, locations) if has_urls else ((o, fetch(o)) for o in locations)
    for location, item in ahead:
        name = os.fsdecode(location)
        if item is not None:
            yield item
        elif is_url(name):
            yield from open_remote_archive(name, max_bytes, suffixes, skipped)
        else:
            yield from open_archive(Path(name), max_bytes, suffixes, skipped=skipped)


def _fetch_ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(AHEAD, "fetch") as pool:
        for item in items:
            waiting.append((item, pool.submit(work, item)))
            if len(waiting) > AHEAD:
                first, answer = waiting.popleft()
                yield first, answer.result()
        for first, answer in waiting:
            yield first, answer.result()
