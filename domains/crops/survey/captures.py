"""Multispectral captures: files of one band each, put together, with their vegetation indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass as checked

from core.errors import DataError
from core.imaging.function_sandbox import FunctionSandbox
from core.imaging.functions import Output
from core.settings import Settings
from core.types import Unreadable
from domains.crops.survey.band_file import READ, READ_PANEL
from domains.crops.survey.indices import indices_of, refused
from domains.crops.survey.reflectance import MOST_CLIPPED, factor_by_panel

_BANDS = {"RedEdge": 5, "RedEdge-M": 5, "RedEdge-MX": 5, "Sequoia": 4}
"""Bands of a capture of a camera, by its model; the fewest that one must have."""


@checked(frozen=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class ReadBand:
    """What the sandbox says of a file of one band; see `domains.crops.survey.band_file`."""

    make: str
    model: str
    capture: str
    band: str
    stated: str
    refused: str
    mean: float | None
    clipped: float | None


@dataclass(frozen=True, slots=True)
class MultispectralCapture:
    """One capture.

    Attributes:
        name: What its files share.
        files: Their names.
        camera: Make and model.
        reflectance: Mean of each band.
        clipped: Share of pixels of each band whose reflectance is below 0 or above 1.
        indices: Of the means: the bands lie not exactly on each other, so that there is no map.
        problem: Why it gives nothing; empty where it does.
        refused: Indices that it does not give, each with the reason.
        is_multispectral: Whether its files state a capture or a band: other TIFFs are photos.
    """

    name: str
    files: tuple[str, ...]
    camera: str
    reflectance: Mapping[str, float]
    clipped: Mapping[str, float]
    indices: Mapping[str, float]
    problem: str
    refused: Mapping[str, str]
    is_multispectral: bool = True


Files = Iterable[tuple[str, bytes]]
"""Names and bytes, untrusted."""


def read_captures(
    files: Files, settings: Settings, factors: Mapping[str, float] | None = None
) -> list[MultispectralCapture]:
    """Return the captures among files of single bands, in the order of their first file.

    Args:
        files: The files.
        settings: Limits of the process that reads them.
        factors: From ``panel_factors``; by each file's own light sensor where None.

    Raises:
        ConfigError: The process does not start.
    """
    arguments = {"factors": dict(factors or {})}
    with FunctionSandbox(READ, settings, _band_of, arguments=arguments) as sandbox:
        return group([(name, _read(sandbox.call(data))) for name, data in files])


def panel_factors(
    files: Files, reflectances: Mapping[str, float], settings: Settings
) -> dict[str, float]:
    """Return by what the radiance of each band becomes reflectance, from pictures of a panel.

    Args:
        files: One of each band, of the camera that takes the captures.
        reflectances: Of the panel, by band, as its maker measured them.
        settings: Limits of the process that reads them.

    Raises:
        DataError: A file shows no panel, or there is no reflectance for its band.
    """
    factors = {}
    with FunctionSandbox(READ_PANEL, settings, _band_of) as sandbox:
        for name, data in files:
            band = _read(sandbox.call(data))
            if band.refused or band.mean is None or band.band not in reflectances:
                reason = band.refused or f"No reflectance of the panel is given for {band.band}."
                raise DataError(
                    f"{name}: {reason}", hint="Give pictures in which the panel fills the middle."
                )
            factors[band.band] = factor_by_panel(band.mean, reflectances[band.band])
    return factors


def _band_of(output: Output, _sha256: str) -> ReadBand:
    return TypeAdapter(ReadBand).validate_python(output.record)


def _read(outcome: ReadBand | Unreadable) -> ReadBand:
    if isinstance(outcome, Unreadable):
        return ReadBand("", "", "", "", "", outcome.message, None, None)
    return outcome


def group(read: Sequence[tuple[str, ReadBand]]) -> list[MultispectralCapture]:
    """Return captures of files that were read; one without an identity is a capture of its own."""
    together: dict[str, list[tuple[str, ReadBand]]] = {}
    for name, band in read:
        together.setdefault(band.capture or name, []).append((name, band))
    most = Counter[str]()
    for members in together.values():
        most[members[0][1].model] = max(most[members[0][1].model], len(members))
    return [
        _capture(name, members, max(most[model], _BANDS.get(model, 1)))
        for name, members in together.items()
        for model in [members[0][1].model]
    ]


def _capture(
    name: str, members: Sequence[tuple[str, ReadBand]], expected: int
) -> MultispectralCapture:
    bands = [band for _, band in members]
    problem = _problem(members, expected)
    means = {} if problem else {one.band: one.mean for one in bands if one.mean is not None}
    return MultispectralCapture(
        name=name,
        files=tuple(file for file, _ in members),
        camera=f"{bands[0].make} {bands[0].model}".strip(),
        reflectance=means,
        clipped={one.band: one.clipped for one in bands if one.band and one.clipped is not None},
        indices=indices_of(means, is_reflectance=True),
        problem=problem,
        refused={} if problem else refused(means, is_reflectance=True, levels=""),
        is_multispectral=any(one.capture or one.stated for one in bands),
    )


def _problem(members: Sequence[tuple[str, ReadBand]], expected: int) -> str:
    for file, band in members:
        if band.refused:
            return f"{file}: {band.refused}"
        if band.clipped is None or band.mean is None or band.clipped > MOST_CLIPPED:
            share = 1.0 if band.clipped is None else band.clipped
            return (
                f"{file}: {share:.1%} of its reflectances are below 0 or above 1; expected "
                f"{MOST_CLIPPED:.0%} at most."
            )
    names = [band.band for _, band in members]
    if len(set(names)) < len(names):
        return "Two of its files are of one band."
    if len(names) < expected:
        return f"It has {len(names)} bands; expected {expected}."
    return ""
