"""A worker without a network: claims jobs, records their verdicts and finishes them, for ever."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

from core.records import blobs, queue
from core.records.connection import open_store, writing
from core.records.store import new_decision, record
from tests.core.records.conftest import an_assessment

LEASE_S = 1.0


def main(where: str, pictures: str, name: str) -> None:
    store, rng = open_store(where, Path(pictures)), random.Random(name)
    print("ready", flush=True)
    while True:
        claimed = queue.claim(store, ["assess"], worker=name, lease_s=LEASE_S, limit=4)
        if not claimed:
            time.sleep(0.05)
            continue
        batch = []
        for job in claimed:
            content = blobs.get(store.blobs, job.payload["sha256"])
            made = an_assessment(content, p=0.9, group=job.key)
            batch.append(new_decision(made, pack="parts", name=job.key))
        time.sleep(rng.uniform(0, 0.05))
        record(store, batch)
        time.sleep(rng.uniform(0, 0.05))
        with writing(store) as connection:
            queue.finish(connection, claimed)


if __name__ == "__main__":
    main(*sys.argv[1:])
