"""Groups of one name in two products: two cases, or one where a name is unlike any other."""

from core.records.store import new_decision, record
from core.records.worklist import case_detail, counts, next_case
from core.types import Disposition


def judged(assessment, product, *, content=b"one", p=0.1, spans=False):
    one = assessment(content, p=p, group="7")
    return new_decision(one, pack="parts", name="a.png", product=product, spans_products=spans)


def test_two_products_may_have_parts_of_one_name(store, assessment):
    record(store, [judged(assessment, "left"), judged(assessment, "right", p=0.9)])
    assert counts(store, "parts").negative == 1
    assert next_case(store, "parts").product == "right"


def test_a_name_unlike_any_other_is_one_case_with_the_worst_verdict_of_all(store, assessment):
    new = [judged(assessment, "left", spans=True), judged(assessment, "right", p=0.9, spans=True)]
    left, right = record(store, new)
    assert new[0].case_id == new[1].case_id
    item = next_case(store, "parts")
    assert (item.disposition, item.images, item.product) == (Disposition.POSITIVE, 2, "")
    found = {image.decision.id for image in case_detail(store, item.case_id).images}
    assert found == {left, right}  # of one content, each product's own
