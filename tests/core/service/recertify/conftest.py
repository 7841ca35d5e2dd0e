"""A product that is deployed, and people who may change what judges it."""

from __future__ import annotations

import pytest

from core.people import Person, Role
from core.service.bundles.deployments import Signed, deploy_bundle
from tests.core.records.conftest import ENGINES, empty_store

ADA, GRACE = (Person(f"id-{name}", name, Role.LEAD) for name in ("Ada", "Grace"))
REVIEWER = Person("id-Rob", "Rob", Role.REVIEWER)


@pytest.fixture(params=ENGINES)
def settings(request, tiny_product, tmp_path):
    url = empty_store(request.param)
    return tiny_product.settings_at(tmp_path / "home", store_url=url)


@pytest.fixture
def deployed(tiny_product, store, settings):
    """The bundle of the plates, deployed for the product left."""
    deploy_bundle(
        tiny_product.bundle, store, settings, product="left", signed=Signed(Person.alone("Ada"))
    )
    return tiny_product.opened()[0]
