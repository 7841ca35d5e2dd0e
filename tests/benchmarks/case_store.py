"""A home folder with very many cases, written as rows, for figures about lists and queues.

`python -m tests.benchmarks.case_store HOME CASES [PICTURES]` makes one: a bundle of drawn plates
that is trained for it, real pictures for the cases that come first, rows alone for the others.
A fifth of the cases is reviewed, over sixty days, by three people.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from sqlalchemy import insert

from core.imaging.files import wrap_bytes
from core.records import blobs, hash_chain
from core.records.case_status import refresh_all
from core.records.connection import Store, writing
from core.records.row_mapping import to_row
from core.records.store import decisions
from core.records.tables import CASES, DECISIONS, HEADERS, IMAGES, REVIEWS
from core.records.values import StoredDecision, case_id_of, name_of, stamp
from core.service.assessment.recording import assess_and_record
from core.service.bundles.archive import keep
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.store import open_store
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Disposition, Reason, Targets
from tests.conftest import a_plate, draw_plates

PACK = "parts"
PRODUCTS = ("", "bracket", "hinge", "plate")
SITES = ("North", "South", "East")
REVIEWERS = ("Ada", "Ben", "Cleo")
WORDING = {
    Disposition.NEGATIVE: "PASS",
    Disposition.POSITIVE: "FAIL",
    Disposition.DEFER: "REVIEW",
}
PICTURES = 400
DAYS = 60
_BATCH = 500
_SEED = 20261129


def make_home(home: Path, cases: int, drawn: int = PICTURES) -> Settings:
    """Return the settings of a new home folder with so many cases, the first drawn as pictures."""
    settings = Settings(home=home)
    store = open_store(settings)
    template = _judge_one(store, settings)
    rng = np.random.default_rng(_SEED)
    pictures = [_png(rng) for _ in range(min(drawn, cases))]
    names = []
    for start in range(0, len(pictures), 50):
        names += blobs.put_many(store.blobs, pictures[start : start + 50])
    with writing(store) as connection:
        for rows in _batches(template, cases, names, rng):
            for table, some in rows.items():
                if some:
                    connection.execute(insert(table), some)
            hash_chain.append(
                connection,
                actor="benchmark",
                action="record",
                subject=PACK,
                rows={table.name: some for table, some in rows.items()},
                at=datetime.now(UTC),
            )
        refresh_all(connection)
    store.close()
    return settings


def _judge_one(store: Store, settings: Settings) -> StoredDecision:
    """Return a decision of a bundle that is trained, certified and put on the shelf."""
    plates = settings.home / "plates"
    draw_plates(plates)
    out = train(TrainSpec(PACK, plates, settings.home / "plates-bundle"), settings)
    bundle = open_bundle(out, settings)
    policy = certify_bundle(bundle, Targets(escape=0.2, overkill=0.2))
    keep(bundle, policy, settings)
    picture = _png(np.random.default_rng(1))
    list(
        assess_and_record(
            bundle, [wrap_bytes("a.png", picture, "a")], store, policy=policy, settings=settings
        )
    )
    return decisions(store, limit=1)[0]


def _png(rng: np.random.Generator) -> bytes:
    done, data = cv2.imencode(".png", a_plate(rng, float(rng.uniform(0, 1))))
    if not done:
        raise ValueError("the encoder refused a plate")
    return bytes(data)


def _batches(
    template: StoredDecision, cases: int, pictures: list[str], rng: np.random.Generator
) -> Iterator[dict[Any, list[dict[str, Any]]]]:
    now = datetime.now(UTC)
    # The most urgent get the pictures, so that what is opened first has one.
    chances = np.sort(rng.beta(0.6, 1.2, cases))[::-1].round(6)
    ages = rng.uniform(0, DAYS * 86400, cases)
    for start in range(0, cases, _BATCH):
        rows: dict[Any, list[dict[str, Any]]] = {
            table: [] for table in (CASES, IMAGES, HEADERS, DECISIONS, REVIEWS)
        }
        for number in range(start, min(start + _BATCH, cases)):
            opened = now - timedelta(seconds=float(ages[number]))
            _add(rows, template, number, float(chances[number]), opened, pictures, rng)
        yield rows


def _add(
    rows: dict[Any, list[dict[str, Any]]],
    template: StoredDecision,
    number: int,
    chance: float,
    opened: datetime,
    pictures: list[str],
    rng: np.random.Generator,
) -> None:
    product, site = PRODUCTS[number % 4], SITES[number % 3]
    content = pictures[number] if number < len(pictures) else f"{number:064x}"
    case_id = case_id_of(PACK, product, f"part {number:07}")
    image_id = name_of(case_id, content, f"part-{number:07}.png")
    decision = to_row(template, number + 10) | {
        "content_key": content,
        "product": product,
        "positive_probability": chance,
        "disposition": _disposition(chance).value,
        "wording": WORDING[_disposition(chance)],
        "findings": f'[["{_reason(number)}", ""]]' if 0.05 < chance < 0.9 else "[]",
        "features": b"",
        "logits": b"",
        "decided_at": stamp(opened),
        "id": name_of("benchmark", str(number)),
    }
    rows[CASES].append(
        {"id": case_id, "pack": PACK, "product": product, "key": f"part {number:07}",
         "opened_at": stamp(opened)}
    )  # fmt: skip
    rows[IMAGES].append(
        {"id": image_id, "case_id": case_id, "content_key": content, "product": product,
         "name": f"part-{number:07}.png", "source": "benchmark", "received_at": stamp(opened)}
    )  # fmt: skip
    rows[HEADERS].append({"id": image_id, "meta": f'{{"site": "{site}"}}'})
    rows[DECISIONS].append(decision)
    if number >= len(pictures) and rng.random() < 0.2:
        reviewed = opened + timedelta(seconds=float(rng.uniform(60, 86400)))
        rows[REVIEWS].append(
            {"id": f"{case_id}-0", "case_id": case_id, "revision": 0, "kind": "review",
             "disposition": decision["disposition"], "label": "", "comment": "",
             "reviewer": REVIEWERS[number % 3], "reviewed_at": stamp(reviewed), "supersedes": "",
             "decision_id": decision["id"], "images": 1}
        )  # fmt: skip


def _disposition(chance: float) -> Disposition:
    if chance <= 0.05:
        return Disposition.NEGATIVE
    return Disposition.POSITIVE if chance >= 0.9 else Disposition.DEFER


def _reason(number: int) -> Reason:
    return Reason.FAULT if number % 997 == 0 else (Reason.AMBIGUOUS, Reason.NOVEL)[number % 2]


if __name__ == "__main__":
    make_home(Path(sys.argv[1]), *map(int, sys.argv[2:4]))
