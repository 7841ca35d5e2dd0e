"""Pictures that are sent to a store's queue, and what became of them."""

from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import select, text

from core.records import blobs
from core.records import queue as records_queue
from core.records.connection import reading, writing
from core.records.intake import receive
from core.records.values import stamp


def send(store, data, key, pack="parts", **meta):
    (sha256,) = blobs.put_many(store.blobs, [data])
    receive(store, pack=pack, key=key, sha256=sha256, source="a test", meta=meta)
    return sha256


def send_pictures(store, paths, pack="parts"):
    for path in paths:
        send(store, path.read_bytes(), path.stem, pack, name=path.name, group=path.stem[:-1])


def later(store):
    """Let the time of waiting and of leases pass."""
    with writing(store) as connection:
        long_ago = stamp(datetime(2000, 1, 1, tzinfo=UTC))
        connection.execute(
            text("UPDATE jobs SET not_before = :t, leased_until = :t"), {"t": long_ago}
        )


def rows(store, table):
    with reading(store) as connection:
        return list(connection.execute(select(table)).mappings())


def done(settings):
    return Counter((settings.home / "done.txt").read_text().split("\n")[:-1])


def claim(store, kind="assess", limit=9):
    return records_queue.claim(store, [kind], worker="killed", lease_s=60, limit=limit)
