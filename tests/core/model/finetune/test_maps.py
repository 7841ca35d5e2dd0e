from dataclasses import replace

import cv2
import numpy as np
import pytest

from core.errors import ConfigError
from core.model.finetune import maps as module
from core.model.finetune.maps import cache_maps
from core.model.network import backbone as backbones
from core.model.network.runtime import open_network

ALL = ("identity", "mirror", "flip", "rotate180")
RNG = np.random.default_rng(4)
PICTURES = [cv2.resize(RNG.integers(0, 256, (5, 5, 3), dtype=np.uint8), (64, 64)) for _ in range(3)]


@pytest.fixture(scope="module")
def upright(tmp_path_factory):
    """The small network that sees a picture as it is."""
    backbone = replace(backbones.describe(), size=64)
    return backbone, open_network(backbone, runtime="torch", cache=tmp_path_factory.getbasetemp())


def cached(upright, folder, *, views=("identity",), symmetries=ALL, names="abc", **changed):
    reported = []
    maps = cache_maps(
        changed.pop("pictures", PICTURES),
        names,
        backbone=replace(upright[0], views=views),
        network=upright[1],
        symmetries=symmetries,
        folder=folder,
        seed=changed.pop("seed", 0),
        progress=lambda step, done, total: reported.append((done, total)),
    )
    return maps, reported


def test_the_first_views_are_those_that_a_picture_is_judged_by_then_the_other_symmetries(
    upright, tmp_path
):
    maps, reported = cached(upright, tmp_path, views=("identity", "rotate180"))
    observed = [p[::-1, ::-1] for p in PICTURES], [p[:, ::-1] for p in PICTURES]
    network = upright[1]
    assert (maps.test_views, maps.views, reported) == (2, 8, [(1, 3), (2, 3), (3, 3)])
    for view, pictures in zip((0, 1, 2), (PICTURES, *observed), strict=True):
        batch = maps.batch(np.full(3, view), np.arange(3))
        whole = np.stack([network.maps(np.ascontiguousarray(p))[1] for p in pictures])
        assert np.allclose(batch, whole, rtol=2e-3, atol=1e-3)


def test_every_further_view_is_a_little_different_and_the_same_for_the_same_seed(upright, tmp_path):
    first, _ = cached(upright, tmp_path / "a", symmetries=("identity",))
    again, _ = cached(upright, tmp_path / "b", symmetries=("identity",))
    other, _ = cached(upright, tmp_path / "c", symmetries=("identity",), seed=9)
    assert np.array_equal(first.values, again.values)
    assert np.array_equal(first.values[0], other.values[0])
    assert not np.array_equal(first.values[1], other.values[1])
    away = np.abs(first.values[1:].astype(float) - first.values[0]).mean(axis=(1, 2, 3, 4))
    ood = np.abs(first.values[0, 1:].astype(float) - first.values[0, :-1]).mean()
    assert (away > 0).all()
    assert len(np.unique(away)) == len(away)
    assert away.max() < ood


def test_finished_maps_are_taken_as_they_lie_unless_the_pictures_changed(upright, tmp_path):
    first, _ = cached(upright, tmp_path)
    values = np.array(first.values)
    again, reported = cached(upright, tmp_path, pictures=iter(()))
    assert np.array_equal(again.values, values)
    assert (again.key, reported) == (first.key, [])
    changed, reported = cached(upright, tmp_path, pictures=PICTURES[::-1], names="cba")
    assert changed.key != first.key
    assert np.array_equal(changed.values[0, ::-1], values[0])
    assert len(reported) == 3


def test_maps_that_were_never_finished_are_made_again(upright, tmp_path):
    def torn():
        yield PICTURES[0]
        raise KeyboardInterrupt

    whole, _ = cached(upright, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        cached(upright, tmp_path / "torn", pictures=torn())
    again, reported = cached(upright, tmp_path / "torn")
    assert np.array_equal(again.values, whole.values)
    assert len(reported) == 3


def test_fewer_pictures_than_names_never_count_as_finished(upright, tmp_path):
    for _ in range(2):
        with pytest.raises(ValueError, match="zip"):
            cached(upright, tmp_path, pictures=PICTURES[:2])


def test_many_pictures_have_fewer_views_but_never_less_than_they_are_judged_by(
    upright, tmp_path, monkeypatch
):
    whole, _ = cached(upright, tmp_path / "whole")
    monkeypatch.setattr(module, "MOST_BYTES", whole.values.nbytes * 3 // 8)
    fewer, _ = cached(upright, tmp_path / "fewer")
    assert np.array_equal(fewer.values, whole.values[:3])
    monkeypatch.setattr(module, "MOST_BYTES", 0)
    least, _ = cached(upright, tmp_path / "least", views=("identity", "flip"))
    assert least.views == least.test_views == 2


def test_an_architecture_that_cannot_be_cut_is_refused_before_any_work(upright, tmp_path):
    backbone, network = upright
    with pytest.raises(ConfigError, match="cannot be fine-tuned"):
        cached((replace(backbone, name="mobilenetv3_large_100"), network), tmp_path)
    assert not list(tmp_path.iterdir())
