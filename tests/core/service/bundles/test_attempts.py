"""Certifications on the same held-out pictures count together, whatever bundle they are of."""

import shutil
from dataclasses import replace

import pytest

from core.model.bundle import bundle as layout
from core.service.bundles.attempts import FILE, attempts, resemblance, sketch
from core.service.bundles.open import certify_bundle, open_bundle
from core.types import Targets
from tests.changed_bundles import copy_bundle

TARGETS = Targets(escape=0.2, overkill=0.2)


@pytest.fixture
def again(tiny_product, tmp_path):
    """Make bundles that were trained anew on the plates: other bytes, the same held-out cases."""

    def train_again(name):
        folder = copy_bundle(tiny_product.bundle, tmp_path / name, name=name)
        return open_bundle(folder, tiny_product.settings)

    return train_again


def test_training_again_does_not_begin_a_new_record(again, tmp_path):
    home = tmp_path / "home"
    first, second = again("first"), again("second")
    made = [certify_bundle(one, TARGETS, home) for one in (first, second)]
    assert [one.attempt for one in made] == [1, 2]
    assert [one.escape.confidence for one in made] == pytest.approx([0.95, 1 - 0.05 / 2])
    other = certify_bundle(second, replace(TARGETS, escape=0.1), home)
    assert other.attempt == 3
    assert attempts(home, first) == attempts(home, second) == 3


def test_what_was_certified_before_is_given_again_from_a_fresh_folder(again, tmp_path):
    home, bundle = tmp_path / "home", again("plates")
    made = [certify_bundle(bundle, TARGETS, home) for _ in range(2)]
    certify_bundle(bundle, replace(TARGETS, escape=0.1), home)
    shutil.rmtree(bundle.path / layout.POLICIES)
    assert certify_bundle(bundle, TARGETS, home) == made[0] == made[1]
    assert len((home / FILE).read_text().splitlines()) == 2


def test_other_held_out_pictures_or_another_home_begin_anew(again, tmp_path):
    home, bundle = tmp_path / "home", again("plates")
    certify_bundle(bundle, TARGETS, home)
    observed = {**bundle.metadata["hashes"], "cal": sketch(f"other {at}" for at in range(72))}
    elsewhere = replace(bundle, sha256="0" * 64, metadata={**bundle.metadata, "hashes": observed})
    assert attempts(home, elsewhere) == 0
    assert attempts(tmp_path / "nowhere", bundle) == 0
    with (home / FILE).open("a") as file:
        file.write('{"cal": ["torn')
    assert attempts(home, bundle) == 1


def test_the_resemblance_of_sets_is_read_off_their_sketches():
    names = [f"{at}" for at in range(3000)]
    whole, half, none = sketch(names), sketch(names[1000:]), sketch(f"x{at}" for at in range(3000))
    assert len(whole) == 64
    assert resemblance(whole, whole) == 1.0
    assert resemblance(whole, half) == pytest.approx(2 / 3, abs=0.2)
    assert resemblance(whole, none) == 0.0
    assert resemblance(sketch(names[:3]), sketch(names[1:4])) == 0.5
    assert resemblance([], []) == 0.0
