"""Which cases came to a person, on every engine."""

from __future__ import annotations

import pytest

from core.records.reviewed_cases import JudgedProduct, reviewed_cases
from core.records.store import new_decision, record

BUNDLE = "b" * 64


@pytest.fixture
def products(store, assessment):
    """Cases of three products, and two that span two of them."""

    def add(name, product, *, group="", spans=False):
        new = new_decision(
            assessment(name.encode(), p=0.5, group=group),
            pack="parts",
            name=f"{name}.png",
            product=product,
            spans_products=spans,
        )
        record(store, [new])

    for product in ("", "left", "right"):
        for number in range(3):
            add(f"{product} {number}", product)
    add("one", "left", group="study 1", spans=True)
    add("two", "right", group="study 1", spans=True)
    add("three", "right", group="study 2", spans=True)
    add("four", "left", group="study 2", spans=True)
    return store


@pytest.mark.parametrize("name", ["", "left", "right", "absent"])
@pytest.mark.parametrize("deployed", [(), ("",), ("left",), ("", "left", "right"), ("absent",)])
def test_the_cases_of_a_product_are_those_of_all_that_its_deployment_judges(
    products, name, deployed
):
    every = reviewed_cases(products, "parts", BUNDLE)
    assert len(every) == 9 + 2

    def is_judged(product):
        return product == name if product in deployed else not name

    found = reviewed_cases(products, "parts", BUNDLE, judged=JudgedProduct(name, deployed))

    assert found == [case for case in every if is_judged(case.product)]
