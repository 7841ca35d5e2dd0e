import numpy as np
import pytest

from domains.xray.demo.ct.detector import WHITE, Exposure, count_quanta, develop

PITCH_MM = 0.34


def flat(value, side=256):
    return np.full((side, side), value, np.float32)


def inner(picture):
    return picture[20:-20, 20:-20]


@pytest.mark.parametrize("integral", [0.0, 1.0, 3.5])
def test_what_comes_through_follows_beer_and_lambert(integral):
    exposure = Exposure(quanta=1e6, scatter=0)
    counts = count_quanta(flat(integral), exposure, PITCH_MM, np.random.default_rng(0))
    assert inner(counts).mean() == pytest.approx(1e6 * np.exp(-integral), rel=1e-3)


def test_scatter_adds_its_share_behind_an_even_body():
    exposure = Exposure(quanta=1e6, scatter=0.25)
    counts = count_quanta(flat(2.0), exposure, PITCH_MM, np.random.default_rng(0))
    assert inner(counts).mean() == pytest.approx(1.25e6 * np.exp(-2.0), rel=1e-3)


@pytest.mark.parametrize("quanta", [2_000, 10_000, 50_000])
def test_twice_the_exposure_has_the_root_of_half_the_noise(quanta):
    def noise(times):
        exposure = Exposure(quanta=quanta * times, scatter=0)
        counts = count_quanta(flat(1.0), exposure, PITCH_MM, np.random.default_rng(3))
        return inner(counts).std() / inner(counts).mean()

    assert noise(1) / noise(2) == pytest.approx(np.sqrt(2), rel=0.02)
    assert noise(1) == pytest.approx(1 / np.sqrt(quanta * np.exp(-1)), rel=0.02)


def test_more_attenuation_is_brighter():
    steps = np.repeat(np.linspace(0.5, 5, 8), 40).astype(np.float32)
    wedge = np.tile(steps, (320, 1))
    exposure = Exposure(quanta=1e6, scatter=0)
    counts = count_quanta(wedge, exposure, PITCH_MM, np.random.default_rng(0))
    shown = develop(counts, exposure, PITCH_MM)
    levels = [int(np.median(shown[:, 40 * k + 15 : 40 * k + 25])) for k in range(8)]
    assert levels == sorted(set(levels))
    assert 0 <= shown.min() < shown.max() <= WHITE


def test_the_range_is_found_from_the_picture_so_that_the_exposure_changes_noise_alone():
    rng = np.random.default_rng(1)
    body = flat(1.0) + np.linspace(0, 3, 256, dtype=np.float32)
    dim, plenty = (Exposure(quanta=q, scatter=0.2) for q in (20_000, 200_000))
    shown = [develop(count_quanta(body, e, PITCH_MM, rng), e, PITCH_MM) for e in (dim, plenty)]
    means = [inner(picture).mean(axis=0) for picture in shown]
    assert np.abs(np.subtract(*means)).mean() < 0.01 * WHITE
    noises = [inner(picture).std(axis=0).mean() for picture in shown]
    assert noises[0] > 2 * noises[1]
