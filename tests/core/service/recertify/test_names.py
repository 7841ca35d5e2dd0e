"""A case that is reviewed after training meets its own group in the bundle."""

from __future__ import annotations

import numpy as np
import pytest

from core.checking.split_membership import SplitMembership
from core.decision.splits import draw_split
from core.imaging.files import open_file
from core.people import Person
from core.records import worklist
from core.records.reviewed_cases import reviewed_cases
from core.records.store import cases_of, decision
from core.service.assessment.recording import assess_and_record
from core.service.recertify.collect import names_of
from core.service.review.review import decide
from core.types import Disposition
from tests.conftest import PLATES


@pytest.fixture
def reviewed(tiny_product, store):
    """New views of a plate of cal, one of train and one of none, each reviewed as a defect."""
    bundle, policy = tiny_product.opened()
    groups = ("cal-03", "train-05", "plate-new", "")
    pictures = tiny_product.pictures("test", "scratched")
    files = [
        open_file(path, tiny_product.settings.max_bytes, group)
        for path, group in zip(pictures, groups, strict=False)
    ]
    settings = tiny_product.settings_at(store.blobs.parent)
    made = assess_and_record(bundle, files, store, policy=policy, settings=settings)
    for one in list(made):
        (case,) = cases_of(store, decision(store, one.decision))
        item = worklist.case_detail(store, case).item
        assert decide(store, item, Disposition.POSITIVE, by=Person.alone("Ada"), label="scratched")
    cases = {one.key: one for one in reviewed_cases(store, "parts", bundle.sha256)}
    return bundle, {group: cases[group or files[-1].sha256] for group in groups}


def test_a_reviewed_label_joins_the_split_and_the_group_of_its_part(reviewed):
    bundle, cases = reviewed
    membership = SplitMembership.from_arrays(bundle.membership)
    cal = membership.assign(names_of(cases["cal-03"]))
    train = membership.assign(names_of(cases["train-05"]))
    assert (cal.split, cal.is_new, train.split, train.is_new) == ("cal", False, "train", False)
    # One more picture of a group that is counted already, not one more group.
    assert (bundle.cal.group == cal.group).sum() == 2
    assert (bundle.oof.group == train.group).sum() == 2
    assert cal.group not in bundle.oof.group
    assert train.group not in bundle.cal.group


def test_a_new_part_is_drawn_by_its_name_and_a_lone_picture_by_its_content(reviewed):
    bundle, cases = reviewed
    membership = SplitMembership.from_arrays(bundle.membership)
    new, lone = (membership.assign(names_of(cases[name])) for name in ("plate-new", ""))
    assert (new.split, new.is_new) == (draw_split("plate-new"), True)
    assert (lone.split, lone.is_new) == (draw_split(cases[""].key), True)
    assert len({new.group, lone.group, *bundle.cal.group, *bundle.oof.group}) == 74


def test_the_names_of_groups_stand_in_no_file_that_knows_the_groups(reviewed):
    bundle, _ = reviewed
    assert np.unique(bundle.cal.group).size == PLATES["cal"]
    membership = SplitMembership.from_arrays(bundle.membership)
    names = [f"{split}-{number:02}" for split in ("train", "cal") for number in range(36)]
    assert all(("group", name) in membership for name in names)
    assert ("group", "train-36") not in membership
    for file in ("weights.safetensors", "membership.safetensors", "fingerprints.safetensors"):
        content = (bundle.path / file).read_bytes()
        assert not [name for name in names if name.encode() in content]
