"""The precision that a bundle runs in: everything it holds is computed in that one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from core.errors import ConfigError
from core.files import replacing
from core.imaging.depth import Depths
from core.imaging.files import open_file
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.fitting.fit import Fit
from core.model.network import precision as precisions
from core.model.network import quantization
from core.model.network.backbone import PRECISIONS, Backbone, Files
from core.model.network.precision import PrecisionTrial
from core.model.network.runtime import Network, export_network, open_network, unsupported_reason
from core.packs import DomainPack, entry_of
from core.service.progress import Progress
from core.settings import Settings
from core.types import U8, Prepared

AUTO = "auto"
CHOICES = (*PRECISIONS, AUTO)
_PAIRS = 40
_WARM_UP = 5


class Fitted(Protocol):
    """What comes of a network's work; its out-of-fold cases are what precisions differ in."""

    @property
    def fitted(self) -> Fit:
        """The fit."""


Result = TypeVar("Result", bound=Fitted)
Fitting = Callable[["OpenedNetwork"], Result]


@dataclass(frozen=True)
class OpenedNetwork:
    """A network in one precision.

    Attributes:
        backbone: The network's name and precision.
        files: Its weight files, the quantised network among them.
        network: The network, running.
    """

    backbone: Backbone
    files: Files
    network: Network


@dataclass(frozen=True)
class PrecisionChoice(Generic[Result]):
    """The precision that runs, and what came of it.

    Attributes:
        opened: The network in that precision.
        result: What the fitting gave.
        metadata: For the bundle's card: what was asked for, what runs and what was tried.
    """

    opened: OpenedNetwork
    result: Result
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class TrainingContext:
    """What is looked at, by what, and where.

    Attributes:
        backbone: The network in float32.
        files: Its weight files.
        rows: The rows of train and cal.
        pack: Reads the pictures; its targets say what verdicts are compared at.
        settings: Where things run.
        progress: Called with how far the work is.
        depths: Bits that the data of each source use.
    """

    backbone: Backbone
    files: Files
    rows: Sequence[Row]
    pack: DomainPack
    settings: Settings
    progress: Progress
    depths: Depths = field(default_factory=dict)

    def open_network(self, precision: str) -> OpenedNetwork:
        """Return the network opened in a precision, quantised where that is asked for.

        Raises:
            ConfigError: The precision does not run here.
        """
        backbone = replace(self.backbone, precision=precision)
        files, runtime, cache = self.files, self.settings.runtime, self.settings.cache
        if precision == "int8" and not unsupported_reason(precision, runtime):
            files = replace(files, int8=self._quantised)
        return OpenedNetwork(
            backbone, files, open_network(backbone, runtime=runtime, cache=cache, files=files)
        )

    @cached_property
    def pictures(self) -> list[U8]:
        """A few training pictures as the network takes them, drawn the same way every time."""
        rows = [row for row in self.rows if row.split == "train"]
        drawn = np.random.default_rng(0).permutation(len(rows))[: quantization.PICTURES]
        incoming = (open_file(rows[i].file, self.settings.max_bytes) for i in np.sort(drawn))
        with Sandbox(
            entry_of(self.pack.name), self.backbone.size, self.settings, self.depths
        ) as sandbox:
            frames = [sample.frame for sample in sandbox.samples(incoming)]
        return [frame.pixels for frame in frames if isinstance(frame, Prepared)]

    @cached_property
    def _quantised(self) -> Path:
        self.progress("Quantising", 0, 1)
        cache = self.settings.cache
        plain = export_network(self.backbone, cache, self.files)
        shown = hashlib.sha256(b"".join(p.tobytes() for p in self.pictures)).hexdigest()[:16]
        path = cache / f"{plain.stem}-int8-{shown}.onnx"
        if not path.exists():
            with replacing(path) as temporary:
                quantization.quantise(plain, self.pictures, temporary)
        self.progress("Quantising", 1, 1)
        return path


def fit_in_precision(
    asked: str, work: TrainingContext, fitting: Fitting[Result]
) -> PrecisionChoice[Result]:
    """Return the fit in the precision asked for, or the fastest no worse than float32.

    Args:
        asked: One of ``CHOICES``.
        work: What is looked at.
        fitting: Looks at the rows through an opened network and fits.

    Raises:
        ConfigError: The precision is unknown or does not run here.
    """
    if asked not in CHOICES:
        raise ConfigError(
            f"No precision is called {asked!r}; there are {', '.join(CHOICES)}.",
            hint="Give --precision one of them.",
        )
    opened = work.open_network("f32" if asked == AUTO else asked)
    tried: list[PrecisionTrial] = []
    done = {opened.backbone.precision: (opened, fitting(opened))}
    if asked == AUTO:
        tried = _try_others(work, fitting, done)
    runs = precisions.fastest(tried) if asked == AUTO else asked
    metadata = {"asked": asked, "runs": runs, "tried": precisions.trials_to_json(tried)}
    return PrecisionChoice(*done[runs], metadata)


def _try_others(
    work: TrainingContext, fitting: Fitting[Result], done: dict[str, tuple[OpenedNetwork, Result]]
) -> list[PrecisionTrial]:
    """Return trials of what runs here beside float32; what was fast enough goes to ``done``."""
    plain, standard = done["f32"]
    tried = []
    for precision in PRECISIONS:
        if precision == "f32" or unsupported_reason(precision, work.settings.runtime):
            continue
        other = work.open_network(precision)
        speed, change = _times_faster(plain.network, other.network, work.pictures), None
        if speed >= precisions.FASTER:
            result = fitting(other)
            change = precisions.compare(standard.fitted.oof, result.fitted.oof, work.pack.targets)
            done[precision] = other, result
        tried.append(PrecisionTrial(precision, speed, change))
    return tried


def _times_faster(plain: Network, other: Network, pictures: Sequence[U8]) -> float:
    """Return the median ratio of CPU times on the same pictures, the first ones left out.

    CPU time is what a busy machine leaves to compare.
    """
    ratios = []
    for number in range(_PAIRS + _WARM_UP):
        picture = pictures[number % len(pictures)]
        ratios.append(_cpu_s(plain, picture) / _cpu_s(other, picture))
    return median(ratios[_WARM_UP:])


def _cpu_s(network: Network, picture: U8) -> float:
    started = time.process_time()
    network.extract(picture)
    return max(time.process_time() - started, 1e-9)
