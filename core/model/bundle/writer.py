"""Writing a bundle: whole or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from core.decision.policy import Cases
from core.files import replace_folder, sha256_of
from core.model.bundle import bundle as layout
from core.model.bundle import serialization
from core.model.bundle.destination import check_bundle_destination
from core.model.bundle.parity import Probe
from core.model.estimators.model import Model
from core.model.explain import Known
from core.model.network.backbone import Backbone, Files


@dataclass(frozen=True)
class BundleDraft:
    """Everything a bundle is made of.

    Attributes:
        name: What the person calls it.
        pack: Name of the domain pack.
        backbone: The feature network.
        files: Its weight files, where no package carries them; copied into the bundle.
        model: The fitted model.
        known: The training pictures to compare with.
        cal: Cases that certificates are computed on; their groups are keyed hashes.
        oof: Out-of-fold training cases, likewise.
        fingerprints: Arrays that copies of the pictures of train and cal are known again by.
        membership: Arrays that say which split each picture, group and patient is in.
        probes: Pictures with their expected scores.
        card: Further words: data set, figures, versions, licence.
    """

    name: str
    pack: str
    backbone: Backbone
    files: Files
    model: Model
    known: Known
    cal: Cases
    oof: Cases
    fingerprints: serialization.Arrays
    membership: serialization.Arrays
    probes: Sequence[Probe]
    card: Mapping[str, Any]


def write_bundle(draft: BundleDraft, path: Path) -> None:
    """Write a bundle beside its destination and move it into place.

    Args:
        draft: What to write.
        path: The folder to make; a bundle that stands there is replaced.

    Raises:
        BundleError: Something that is no bundle, or more than one, stands at the destination.
        ConfigError: No folder can be made there.
    """
    path = path.resolve()  # a link to a bundle stays a link
    check_bundle_destination(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        _fill(draft, building)
        building.chmod(0o755)
        replace_folder(building, path)
    except BaseException:
        shutil.rmtree(building, ignore_errors=True)
        raise


def _fill(draft: BundleDraft, folder: Path) -> None:
    model, model_metadata = serialization.pack_model(draft.model)
    known, known_metadata = serialization.pack_known(draft.known)
    cases = serialization.pack_cases("cal", draft.cal) | serialization.pack_cases("oof", draft.oof)
    _save(model | cases, folder / layout.WEIGHTS)
    _save(known, folder / layout.KNOWN)
    _save(draft.fingerprints, folder / layout.FINGERPRINTS)
    _save(draft.membership, folder / layout.MEMBERSHIP)
    layout.copy_weights(draft.files, folder)
    (folder / "probe").mkdir()
    for probe in draft.probes:
        (folder / "probe" / probe.file).write_bytes(probe.data)
    metadata = {
        "schema": layout.SCHEMA,
        "name": draft.name,
        "pack": draft.pack,
        "backbone": asdict(draft.backbone),
        "model": model_metadata,
        "known": known_metadata,
        "probe": {p.file: p.expected for p in draft.probes},
        **draft.card,
    }
    (folder / layout.METADATA).write_text(json.dumps(metadata, indent=1, sort_keys=True) + "\n")
    sums = [f"{sha256_of(folder / name)}  {name}\n" for name in layout.covered_files(folder)]
    (folder / layout.SUMS).write_text("".join(sums))


def _save(arrays: serialization.Arrays, file: Path) -> None:
    # safetensors writes a transposed view's memory as it lies, under the view's shape.
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, file)
