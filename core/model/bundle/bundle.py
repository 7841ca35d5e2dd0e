"""A fitted model as a folder that proves itself before it is used.

``bundle.json`` (metadata), ``weights.safetensors`` (model, cal and out-of-fold cases),
``known.safetensors`` (training features and thumbnails), ``fingerprints.safetensors`` (what copies
of the pictures of train and cal are known again by), ``membership.safetensors`` (which split each
picture, group and patient is in, as keyed hashes), ``probe/`` (a few pictures and their expected
scores), ``SHA256SUMS`` over all of them, and outside those sums ``policies/``. Loading verifies
every hash and runs the probe pictures; nothing in a bundle is ever unpickled.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from core import packs
from core.decision.policy import Cases
from core.errors import BundleError
from core.files import sha256_of
from core.model.bundle import serialization
from core.model.estimators.model import Model
from core.model.explain import Known
from core.model.network.backbone import Backbone, Files, Tap
from core.model.network.runtime import Network, open_network
from core.packs import DomainPack

SCHEMA = "assay.bundle/1"
SUMS = "SHA256SUMS"
SIGNATURE = "SIGNATURE"
POLICIES = "policies"
METADATA = "bundle.json"
WEIGHTS = "weights.safetensors"
KNOWN = "known.safetensors"
FINGERPRINTS = "fingerprints.safetensors"
MEMBERSHIP = "membership.safetensors"
_FILES = {"own": "backbone.safetensors", "tail": "tail.safetensors", "int8": "network.int8.onnx"}


@dataclass(frozen=True)
class Bundle:
    """A verified bundle, ready to assess.

    Attributes:
        path: Its folder.
        name: What the person called it.
        sha256: Digest of its SHA256SUMS, which is its identity.
        pack: The domain pack that it was trained for.
        backbone: The feature network.
        model: The fitted model.
        known: The training pictures to compare with.
        cal: Cases that certificates are computed on.
        oof: Out-of-fold training cases, for the candidate grid and the review budget.
        metadata: The whole of ``bundle.json``.
        network: The feature network, running.
    """

    path: Path
    name: str
    sha256: str
    pack: DomainPack
    backbone: Backbone
    model: Model
    known: Known
    cal: Cases
    oof: Cases
    metadata: Mapping[str, Any]
    network: Network

    @property
    def label(self) -> str:
        """Name and the first twelve digits of the identity."""
        return f"{self.name}@{self.sha256[:12]}"

    @cached_property
    def fingerprints(self) -> Mapping[str, NDArray[Any]]:
        """Arrays of ``core.checking.fingerprints``, of the pictures of train and cal.

        They grow with the pictures, so they are read when asked for and not into everything that
        judges.

        Raises:
            BundleError: They cannot be read.
        """
        return self._arrays_of(FINGERPRINTS)

    @cached_property
    def membership(self) -> Mapping[str, NDArray[Any]]:
        """Arrays of ``core.checking.split_membership``, of the pictures of train and cal.

        Raises:
            BundleError: They cannot be read.
        """
        return self._arrays_of(MEMBERSHIP)

    def _arrays_of(self, file: str) -> Mapping[str, NDArray[Any]]:
        try:
            return _numbers_in(self.path / file)
        except (OSError, SafetensorError) as exc:
            raise BundleError(
                f"The bundle at {self.path} lacks its {file}: {exc}.",
                hint="Restore it from a copy, or train again.",
            ) from exc


def read_bundle(path: Path, *, runtime: str, cache: Path) -> Bundle:
    """Return a bundle whose hashes were verified; `core.model.bundle.parity` runs the probe.

    Args:
        path: The bundle's folder.
        runtime: Which network runtime to use.
        cache: Folder of exported networks.

    Raises:
        BundleError: A file is missing, altered or unlisted, or the content does not fit.
        UnknownPack: The pack that it was trained for is not installed.
    """
    sha256 = verify(path)
    metadata = _read_metadata(path)
    try:
        weights, known = _numbers_in(path / WEIGHTS), _numbers_in(path / KNOWN)
        backbone = _backbone(metadata["backbone"])
        pack = packs.pack_named(metadata["pack"])
        return Bundle(
            path=path,
            name=metadata["name"],
            sha256=sha256,
            pack=pack,
            backbone=backbone,
            model=serialization.unpack_model(weights, metadata["model"]),
            known=serialization.unpack_known(known, metadata["known"]),
            cal=serialization.unpack_cases("cal", weights),
            oof=serialization.unpack_cases("oof", weights),
            metadata=metadata,
            network=open_network(backbone, runtime=runtime, cache=cache, files=weights_in(path)),
        )
    except (OSError, SafetensorError, LookupError, TypeError, ValueError, AttributeError) as exc:
        raise BundleError(
            f"The bundle at {path} is incomplete, or its parts do not fit: {exc!r}.",
            hint="Train it again.",
        ) from exc


def verify(path: Path) -> str:
    """Return the sha256 of a bundle after checking every file against its sums.

    Returns:
        The bundle's sha256: the digest of its SHA256SUMS.

    Raises:
        BundleError: There is no bundle, a file is altered, missing or not listed, or something in
            it is no plain file: a link would be read, and copied, from outside.
    """
    sums = path / SUMS
    if not sums.is_file():
        raise BundleError(
            f"{path} is not a bundle: it has no {SUMS}.",
            hint="Give the folder that `assay train -o` wrote.",
        )
    if irregular := _irregular(path):
        raise BundleError(
            f"The bundle at {path} holds what is no plain file: {irregular[0]}.",
            hint="Ask for the bundle again; `assay train` writes plain files alone.",
        )
    listed = dict(_sum_line(line) for line in sums.read_text().splitlines() if line)
    present = covered_files(path)
    faults = [f"{name} is missing" for name in listed if name not in present]
    faults += [f"{name} is not listed" for name in present if name not in listed]
    faults += [
        f"{name} was altered"
        for name in listed
        if name in present and sha256_of(path / name) != listed[name]
    ]
    if faults:
        raise BundleError(
            f"The bundle at {path} is not the one that was trained: {'; '.join(sorted(faults))}.",
            hint="Restore it from a copy, or train again.",
        )
    return sha256_of(sums)


def weights_in(path: Path) -> Files:
    """Return the weight files that a bundle carries."""
    return Files(**{part: path / name for part, name in _FILES.items() if (path / name).exists()})


def copy_weights(files: Files, path: Path) -> None:
    """Copy weight files to where ``weights_in`` finds them."""
    for part, name in _FILES.items():
        source: Path | None = getattr(files, part)
        if source is not None:
            shutil.copyfile(source, path / name)


def covered_files(path: Path) -> list[str]:
    """Return the files that a bundle's sums cover: all but sums, signature and policies."""
    return sorted(
        file.relative_to(path).as_posix()
        for file in path.rglob("*")
        if file.is_file() and file.relative_to(path).parts[0] not in (SUMS, SIGNATURE, POLICIES)
    )


def _irregular(path: Path) -> list[str]:
    return [
        one.relative_to(path).as_posix()
        for one in path.rglob("*")
        if one.is_symlink() or not (one.is_file() or one.is_dir())
    ]


def _numbers_in(file: Path) -> dict[str, NDArray[Any]]:
    """Return arrays without NaN, which every comparison with a limit would let through.

    Raises:
        BundleError: An array holds one.
    """
    arrays: dict[str, NDArray[Any]] = load_file(file)
    faulty = [name for name, one in arrays.items() if one.dtype.kind == "f" and np.isnan(one).any()]
    if faulty:
        raise BundleError(
            f"{file} holds what is no number: {', '.join(sorted(faulty))}.", hint="Train it again."
        )
    return arrays


def _sum_line(line: str) -> tuple[str, str]:
    value, _, name = line.partition("  ")
    return name, value


def _read_metadata(path: Path) -> dict[str, Any]:
    try:
        metadata = json.loads((path / METADATA).read_text())
    except (OSError, ValueError, RecursionError) as exc:
        raise BundleError(f"{path / METADATA} does not read: {exc}.", hint="Train again.") from exc
    if not isinstance(metadata, dict) or metadata.get("schema") != SCHEMA:
        found = metadata.get("schema") if isinstance(metadata, dict) else type(metadata).__name__
        raise BundleError(
            f"The bundle at {path} is of schema {found!r}, expected {SCHEMA!r}.",
            hint="Use the version of Assay that wrote it, or train again.",
        )
    return metadata


def _backbone(metadata: Mapping[str, Any]) -> Backbone:
    taps = tuple(Tap(**tap) for tap in metadata["taps"])
    lists = {name: tuple(metadata[name]) for name in ("mean", "std", "views")}
    return Backbone(**{**metadata, **lists, "taps": taps})
