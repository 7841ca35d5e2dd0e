"""Put and record pictures FIRST..LAST in batches of 8, printing the ids once they are kept."""

from __future__ import annotations

import sys
from pathlib import Path

from conftest import an_assessment

from core.records.blobs import put_many
from core.records.store import new_decision, open_store, record

BATCH = 8


def main(where: str, blobs: str, first: int, last: int) -> None:
    store = open_store(where, Path(blobs))
    for start in range(first, last, BATCH):
        contents = [b"picture %d" % i for i in range(start, min(start + BATCH, last))]
        put_many(store.blobs, contents)
        batch = [
            new_decision(an_assessment(content, p=0.9), pack="parts", name=content.decode())
            for content in contents
        ]
        print(*record(store, batch), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
