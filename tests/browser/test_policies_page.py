"""Policies: what is proposed is released by a second name, and one click leads back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from core.people import Person
from core.records import deployments
from core.service.bundles.archive import keep_recertified
from core.service.bundles.deployments import Signed, deploy_bundle
from core.service.bundles.open import make_policy
from core.service.recertify.recertify import propose_recertified, recertify
from core.service.store import open_store
from core.types import Targets
from tests.core.service.recertify.arrivals import answer_all, arrive

LONG_MS = 120_000
WIDTHS = (1280, 390)


@pytest.fixture
def opened(tiny_product, tmp_path):
    """A home with a deployed product, 80 reviewed cases, and a policy that Ada proposes."""
    settings = tiny_product.settings_at(tmp_path / "home")
    store = open_store(settings)
    bundle = tiny_product.opened()[0]
    deploy_bundle(
        tiny_product.bundle, store, settings, product="left", signed=Signed(Person.alone("Ada"))
    )
    passes_none = make_policy(bundle, Targets(escape=0.001, overkill=0.2), 1)
    keep_recertified(bundle, passes_none, None, settings)
    answer_all(store, arrive(store, bundle, passes_none, 80))
    arrive(store, bundle, passes_none, 3, start=500)  # waits: the sidebar shows its pack first
    policy = tiny_product.opened()[1]
    found = recertify(store, settings, bundle, policy.targets, "left")
    alone = Person.alone("Ada")
    proposal = propose_recertified(store, settings, bundle, policy, found, "left", by=alone)
    yield settings, store, proposal
    store.close()


def test_a_second_person_releases_what_is_proposed_and_rolls_it_back(page, serve, opened):
    settings, store, proposal = opened
    first = deployments.newest(store, "parts", "left")
    page.goto(f"{serve('Grace', home=settings.home)}/policies")
    expect(
        page.get_by_text(f"policy {proposal.policy_id} of {proposal.bundle}, proposed by Ada")
    ).to_be_visible(timeout=LONG_MS)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(800)
            if folder := os.environ.get("ASSAY_SCREENSHOTS"):
                page.screenshot(
                    path=Path(folder) / f"policies-{width}-{scheme}.png", full_page=True
                )
            found = Axe().run(page)
            assert not found.response["violations"], found.generate_report()
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0
    page.set_viewport_size({"width": 1280, "height": 900})
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text("released by Grace")).to_be_visible(timeout=LONG_MS)
    released = deployments.newest(store, "parts", "left")
    assert (released.policy_id, released.second_person) == (proposal.policy_id, "Ada")
    page.get_by_role("button", name=f"Roll back to policy {first.policy_id}").click()
    expect(page.get_by_text("rolled back to number 1").first).to_be_visible(timeout=LONG_MS)
    assert deployments.newest(store, "parts", "left").policy_id == first.policy_id
