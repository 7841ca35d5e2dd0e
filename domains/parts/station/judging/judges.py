"""What judges each product of a station: opened and warmed up before it judges the first part."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock, Thread
from time import monotonic

from core.errors import AssayError, BundleError, NothingDeployed
from core.records.connection import Store
from core.service.assessment.assessor import Assessor
from core.service.assessment.known_answers import KnownAnswers
from core.service.assessment.recording import warm_up
from core.service.bundles.deployments import Deployed, ProductJudge
from core.settings import Settings
from core.types import Assessment, Policy
from domains.parts.station.judging.rule import ood_level

POLL_S = 0.5
RETIRED_S = 10.0
_STALL_S = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenJudge:
    """An open assessor with what is deployed for a product.

    Attributes:
        product: Name of the product.
        assessor: Entered and warmed up.
        policy: The thresholds in force.
        audit_share: Share of the automatic negatives drawn for a person.
    """

    product: str
    assessor: Assessor
    policy: Policy
    audit_share: float

    @property
    def bundle_sha256(self) -> str:
        """Digest of the bundle that judges."""
        return self.assessor.bundle.sha256

    @property
    def ood_level(self) -> float:
        """Up to which OOD p-value a part is taken for another product."""
        return ood_level(self.policy, self.assessor.bundle.model.gate.reference.size)

    def assess(self, data: bytes, *, name: str, group: str) -> Assessment:
        """Return one picture judged by the policy in force, as `Assessor.one` does."""
        self.assessor.use(self.policy, self.product)
        return self.assessor.one(data, name=name, group=group)


class Judges:
    """Keeps an assessor open for every product asked for, and follows what is deployed.

    A thread of its own reads the deployments every half second, opens what is new, warms it up, and
    only then lets it take over; until then what judged before goes on. A deployment that does not
    open, such as an altered bundle, takes the product out of judging.

    Args:
        store: The store.
        settings: Where things run.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        update = {"inference_timeout_s": min(_STALL_S, settings.inference_timeout_s)}
        self._settings = settings.model_copy(update={**update, "workers": 1})
        self._store = store
        self._deployed = Deployed(store, settings)
        self._lock = Lock()
        self._open: dict[str, OpenJudge] = {}
        self._problems: dict[str, AssayError] = {}
        self._retired: list[tuple[float, Assessor]] = []
        self._kept: set[str] | None = None
        self._stop = Flag()
        self._thread = Thread(target=self._follow, name="deployments", daemon=True)

    def start(self) -> None:
        """Begin to follow the deployments."""
        self._thread.start()

    def close(self) -> None:
        """Stop following, and close every assessor."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        retired = [assessor for _, assessor in self._retired]
        for assessor in [*retired, *(one.assessor for one in self._open.values())]:
            assessor.__exit__(None, None, None)
        self._open.clear()
        self._retired.clear()

    def prepare(self, product: str) -> OpenJudge:
        """Return what is deployed for a product now, opened and warmed up; takes seconds.

        Raises:
            NothingDeployed: Nothing is; it is opened once something is.
            BundleError: It is missing or altered.
            StoreError: The database failed.
        """
        with self._lock:
            # What was asked for before this must not let it go again.
            self._let_go()
            return self._prepare(product)

    def get(self, product: str) -> OpenJudge:
        """Return what judges a product; at once.

        Raises:
            AssayError: Why nothing does.
        """
        if (problem := self._problems.get(product)) is not None:
            raise problem
        if (found := self._open.get(product)) is None:
            raise AssayError(
                f"Nothing is ready to judge {product}.", hint="It is prepared at a changeover."
            )
        return found

    def problem_of(self, product: str) -> str:
        """Return why nothing judges a product; empty where something does."""
        problem = self._problems.get(product)
        return "" if problem is None else problem.message

    def keep_only(self, products: set[str]) -> None:
        """Let go of what judges any other product, soon; never waits, as opening a bundle does."""
        self._kept = set(products)

    def _follow(self) -> None:
        while not self._stop.wait(POLL_S):
            for product in [*self._open, *self._problems]:
                try:
                    with self._lock:
                        self._prepare(product)
                except NothingDeployed:
                    continue
                except AssayError as exc:
                    log.error("nothing judges a product: %s", exc.message)
                except Exception:
                    log.exception("following the deployments failed")
            with self._lock:
                self._let_go()
                self._close_retired()

    def _prepare(self, product: str) -> OpenJudge:
        try:
            judge = self._deployed.judge_of("parts", product)
            opened = self._opened(product, judge)
        except AssayError as exc:
            self._problems[product] = exc
            raise
        except Exception as exc:
            problem = f"Opening what judges {product} failed: {type(exc).__name__}, see the log."
            self._problems[product] = BundleError(problem)
            raise
        self._open[product] = opened
        self._problems.pop(product, None)
        return opened

    def _opened(self, product: str, judge: ProductJudge) -> OpenJudge:
        current = self._open.get(product)
        if current is not None and current.bundle_sha256 == judge.bundle.sha256:
            same = (current.policy, current.audit_share) == (judge.policy, judge.audit_share)
            if same:
                return current
            return OpenJudge(product, current.assessor, judge.policy, judge.audit_share)
        answers = KnownAnswers(self._store, judge.bundle, self._settings)
        assessor = Assessor(judge.bundle, judge.policy, self._settings, product, answers)
        assessor.__enter__()
        try:
            warm_up(assessor, self._store)
        except BaseException:
            assessor.__exit__(None, None, None)
            raise
        if current is not None:
            self._retire(current.assessor)
        return OpenJudge(product, assessor, judge.policy, judge.audit_share)

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is None:
            return
        for product in set(self._open) - kept:
            self._retire(self._open.pop(product).assessor)
        self._problems = {k: v for k, v in self._problems.items() if k in kept}

    def _retire(self, assessor: Assessor) -> None:
        self._retired.append((monotonic(), assessor))

    def _close_retired(self) -> None:
        """Close what no part can be under way in any more."""
        while self._retired and monotonic() - self._retired[0][0] > RETIRED_S:
            self._retired.pop(0)[1].__exit__(None, None, None)
