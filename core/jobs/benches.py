"""What judges each product now, with an Assessor that stays open from batch to batch."""

from __future__ import annotations

from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import replace
from time import perf_counter
from typing import Self

from core.jobs.assess import Bench
from core.service.assessment.assessor import Assessor
from core.service.assessment.known_answers import KnownAnswers
from core.service.bundles.deployments import Deployed, ProductJudge

MOST_PICTURES = 32
BATCH_S = 1.0
"""How long a batch should take: a deployment counts from the next one."""

_MOST_BENCHES = 8


class Benches:
    """Benches by what is deployed; a context manager that ends their decoder processes.

    Args:
        deployed: Says what judges a product.
    """

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self._open: OrderedDict[str, tuple[Bench, ExitStack]] = OrderedDict()
        self._seconds_each: dict[str, float] = {}

    def __enter__(self) -> Self:
        """Return itself; no decoder runs yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End every decoder process."""
        for _, stack in self._open.values():
            stack.close()
        self._open.clear()

    def bench_of(self, pack: str, product: str) -> Bench:
        """Return a bench with the bundle and policy that judge a product now.

        Raises:
            BundleError: The bundle or its policy is missing or altered, or nothing is deployed.
            StoreError: The database failed.
        """
        judge = self.deployed.judge_of(pack, product)
        kept = self._open.get(judge.bundle.sha256)
        if kept is None:
            kept = self._open[judge.bundle.sha256] = self._opened(judge)
        self._open.move_to_end(judge.bundle.sha256)
        if len(self._open) > _MOST_BENCHES:
            _, (_, stack) = self._open.popitem(last=False)
            stack.close()
        return replace(kept[0], policy=judge.policy, audit_share=judge.audit_share)

    def most_of(self, pack: str) -> int:
        """Return how many pictures of a pack a batch may have, so that it takes about a second."""
        seconds = self._seconds_each.get(pack, 0.0)
        return max(1, min(MOST_PICTURES, int(BATCH_S / seconds))) if seconds else MOST_PICTURES

    def note_time(self, pack: str, pictures: int, began: float) -> None:
        """Note how long a batch took that began at a time of ``perf_counter``."""
        self._seconds_each[pack] = (perf_counter() - began) / pictures

    def _opened(self, judge: ProductJudge) -> tuple[Bench, ExitStack]:
        stack = ExitStack()
        store, settings = self.deployed.store, self.deployed.settings
        answers = KnownAnswers(store, judge.bundle, settings)
        assessor = stack.enter_context(
            Assessor(judge.bundle, judge.policy, settings, answers=answers)
        )
        return Bench(assessor, store, judge.policy), stack
