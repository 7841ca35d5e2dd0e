"""What a store of very many decisions costs: recording, queue, lists, overview, quality, audit.

`... store 10000 100000 1000000` names the numbers of cases; each home folder is made on first use
by `case_store` (a million takes a quarter of an hour and 2 GB). CPU milliseconds of this thread,
the median of some calls. Rows are recorded in a transaction that is taken back, so that the home
stays as it is.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from core.people import Person
from core.records import audit, worklist
from core.records.case_filter import CaseFilter
from core.records.case_page import CaseOrder
from core.records.connection import Store, open_store
from core.records.over_time import answered_since, count_cases
from core.records.past_window import read_window
from core.records.store import NewDecision, decisions, rehearse
from core.service.review import review
from core.service.review.browse import browse
from tests.benchmarks.case_store import PACK, PRODUCTS, make_home
from tests.benchmarks.sets import HOME

NUMBERS = (10_000, 100_000)
BATCH = 64
REPEATS = 5
_EVERY = CaseFilter(packs=(PACK,), states=())


def main() -> None:
    """Print the cost of each at each size."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()] or NUMBERS
    for n in numbers:
        home = HOME / f"store-{n}"
        if not home.exists():
            make_home(home, n)
        with ProcessPoolExecutor(1, get_context("spawn")) as alone:
            for line in alone.submit(measure, home, n).result():
                print(line, flush=True)


def measure(home: Path, n: int) -> list[str]:
    """Return a line for each thing done in a store with n cases."""
    store = open_store(home / "assay.sqlite")
    audited = _audit(store, n)  # first, while no other work has raised the peak of memory
    bundle = decisions(store, limit=1)[0].bundle_sha256
    since, ada = datetime.now(UTC) - timedelta(days=90), Person.alone("Ada")
    week = datetime.now(UTC) - timedelta(days=14)
    rows = iter(_new_decisions(store, 2 * (REPEATS + 1) * 5 * BATCH))
    item = worklist.next_case(store, PACK)
    case = item.case_id if item else ""

    def record() -> None:
        for _ in range(5):
            rehearse(store, [next(rows) for _ in range(BATCH)])

    works: dict[str, Callable[[], object]] = {
        "record 320 decisions": record,
        "next case": lambda: review.next_case(store, PACK),
        "one case": lambda: worklist.case_detail(store, case),
        "counts of the queue": lambda: worklist.counts(store, PACK),
        "a page of the list, worst first": lambda: browse(store, _EVERY, by=ada),
        "a page of the list, newest first": lambda: browse(
            store, _EVERY, by=ada, order=CaseOrder.NEWEST
        ),
        "a page of the list, by text": lambda: browse(
            store, replace(_EVERY, text=f"part-{n - 1:07}"), by=ada
        ),
        "overview of two weeks": lambda: (
            count_cases(store, PACK, week),
            answered_since(store, PACK, week),
        ),
        "quality, at most 50,000 pictures": lambda: read_window(
            store, PACK, PRODUCTS[1], bundle, since
        ),
    }
    lines = [f"{name}, n {n}: {_median_ms(work):.1f} CPU ms" for name, work in works.items()]
    return [audited, *lines]


def _audit(store: Store, n: int) -> str:
    started, before = time.thread_time(), _peak_mb()
    report = audit.verify(store)
    spent, added = time.thread_time() - started, _peak_mb() - before
    return f"audit verify, n {n}: {spent:.0f} CPU s, {added:.0f} MB, {len(report.faults)} faults"


def _median_ms(work: Callable[[], object]) -> float:
    work()
    spent = []
    for _ in range(REPEATS):
        started = time.thread_time()
        work()
        spent.append(1e3 * (time.thread_time() - started))
    return statistics.median(spent)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _new_decisions(store: Store, count: int) -> Iterator[NewDecision]:
    """Yield decisions on pictures that the store does not know."""
    template = decisions(store, limit=1)[0]
    for number in range(count):
        key = f"{number:064x}"[::-1]
        yield NewDecision(
            case_key=f"new {number}",
            name=f"new-{number}.png",
            source="benchmark",
            decision=replace(template, content_key=key, product=PRODUCTS[number % len(PRODUCTS)]),
        )
