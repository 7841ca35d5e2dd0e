"""Label sets and named subjects through the bundle and the assessor."""

from dataclasses import replace

import numpy as np
import pytest

from core.decision.label_sets import LabelReference
from core.packs import Subjects
from core.service.assessment.assessor import Assessor
from core.service.assessment.paths import assess_paths
from core.service.bundles.open import open_bundle
from core.service.evaluation.evaluate import evaluate
from core.types import Disposition


@pytest.fixture(scope="module")
def product(tiny_product):
    return tiny_product.opened()


@pytest.fixture(scope="module")
def with_subjects(product):
    """The bundle as if good plates were of steel and scratched ones of brass."""
    bundle, _ = product
    known = bundle.model.label_reference
    subjects = Subjects("metal", lambda label: label, lambda name: name.partition("/")[0])
    reference = LabelReference(
        known.superclasses, ("steel", "brass"), known.scores, np.linspace(0.0, 0.5, 300)
    )
    model = replace(bundle.model, label_reference=reference)
    return replace(bundle, pack=replace(bundle.pack, subjects=subjects), model=model)


def test_every_picture_that_is_judged_has_a_list_that_begins_with_the_likeliest(
    tiny_product, product
):
    bundle, policy = product
    files = tiny_product.pictures("test")[:8]
    for one in assess_paths(bundle, files, policy=policy, settings=tiny_product.settings):
        assert one.label_set[0] == one.top(1)[0][0]
        assert one.superclasses == pytest.approx(
            {
                "negative": 1.0 - one.prediction.positive_probability,
                "positive": one.prediction.positive_probability,
            }
        )


def test_the_reference_is_of_the_held_out_groups(tiny_product, product):
    reference = product[0].model.label_reference

    assert reference.superclasses == ("negative", "positive")
    assert {name: len(one) for name, one in reference.scores.items()} == {
        "negative": 18, "positive": 18,
    }  # fmt: skip
    assert len(reference.subject_scores) == 36


def test_the_coverage_on_other_pictures_is_reported(tiny_product, product):
    bundle, policy = product
    found = evaluate(bundle, tiny_product.data, policy=policy, settings=tiny_product.settings)
    sets = found.figures["label_sets"]

    assert sets["n"] == found.figures["n"] == 32
    assert sets["high"] >= 0.9
    assert 1.0 <= sets["size"] <= 2.0


def test_a_product_that_names_a_subject_holds_back_what_does_not_look_like_it(
    tiny_product, product, with_subjects
):
    _, policy = product
    good = tiny_product.pictures("test", "good")[0].read_bytes()
    with Assessor(with_subjects, policy, tiny_product.settings, "brass/yard 2") as assessor:
        as_brass = assessor.one(good)
        assessor.use(policy, "steel")
        as_steel = assessor.one(good)
        assessor.use(policy)
        unnamed = assessor.one(good)

    assert as_brass.verdict.disposition is Disposition.DEFER
    assert "metal brass: the picture does not look like it" in as_brass.verdict.message
    assert as_brass.label_set == ("scratched",)
    assert as_steel.label_set == ("good",)
    assert as_steel.verdict == unnamed.verdict
    numbers = {one.prediction.positive_probability for one in (as_brass, as_steel, unnamed)}
    assert len(numbers) == 1


def test_a_bundle_that_was_made_without_a_reference_gives_no_list(tiny_product, product):
    bundle, policy = product
    older = replace(bundle, model=replace(bundle.model, label_reference=None))
    (one,) = assess_paths(
        older, tiny_product.pictures("test")[:1], policy=policy, settings=tiny_product.settings
    )

    assert (one.label_set, one.superclasses) == ((), {})


def test_the_reference_is_read_back_as_it_was_written(tiny_product, product):
    again = open_bundle(tiny_product.bundle, tiny_product.settings).model.label_reference

    for name, scores in product[0].model.label_reference.scores.items():
        assert np.array_equal(again.scores[name], scores)
