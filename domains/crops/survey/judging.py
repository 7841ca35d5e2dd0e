"""What judges a survey, and where its verdicts are recorded."""

from __future__ import annotations

from core.errors import ConfigError
from core.records.connection import Store
from core.service.assessment.assessor import Assessor
from core.service.assessment.known_answers import KnownAnswers
from core.service.bundles.archive import keep
from core.service.bundles.deployments import Deployed, ProductJudge
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings
from domains.crops.survey.spec import CaseSpec, SurveySpec
from domains.crops.survey.values import PACK


def judge_of(spec: SurveySpec, settings: Settings) -> ProductJudge:
    """Return what judges: the bundle given, else what is deployed for the product.

    Raises:
        BundleError: There is none, or it was altered.
        ConfigError: The bundle given is for something else than crops.
    """
    if spec.bundle is None:
        with open_store(settings) as store:
            return Deployed(store, settings).judge_of(PACK, spec.product)
    bundle = open_bundle(spec.bundle, settings)
    if bundle.pack.name != PACK:
        raise ConfigError(
            f"{bundle.label} is for {bundle.pack.name}; expected a bundle for {PACK}.",
            hint="Name a bundle that `assay train crops` has made.",
        )
    return ProductJudge(bundle, policy_of(bundle, spec.policy))


def open_assessor(
    judge: ProductJudge,
    settings: Settings,
    spec: SurveySpec,
    where: CaseSpec | None,
    *,
    reads_tiles: bool = False,
) -> Assessor:
    """Return what judges a survey.

    Args:
        judge: The bundle and the policy.
        settings: Where things run.
        spec: What is asked for.
        where: Where verdicts are recorded, and people have answered; None for nowhere.
        reads_tiles: As in ``Assessor``.
    """
    answers = None if where is None else KnownAnswers(where.store, judge.bundle, settings)
    return Assessor(
        judge.bundle, judge.policy, settings, spec.product, answers, reads_tiles=reads_tiles
    )


def case_spec(
    spec: SurveySpec, judge: ProductJudge, settings: Settings, store: Store | None
) -> CaseSpec | None:
    """Return where verdicts are recorded; None without a store.

    A bundle that is not deployed is archived first, since without it no verdict could be replayed.
    Nobody acts on what it says, so that nothing is drawn.
    """
    if store is None:
        return None
    if spec.bundle is None:
        return CaseSpec(store, spec.product, judge.audit_share)
    keep(judge.bundle, judge.policy, settings)
    return CaseSpec(store, spec.product, None)
