"""doctor: can this installation do its work here?"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from core import packs
from core.errors import AssayError
from core.imaging.files import wrap_bytes
from core.imaging.sandbox import Sandbox
from core.model.network import backbone
from core.model.network.runtime import open_network
from core.records.addresses import mask_url
from core.service.store import open_store
from core.settings import Settings


@dataclass(frozen=True)
class Diagnosis:
    """One check: what was looked at, whether it holds, and what was found."""

    check: str
    ok: bool
    detail: str


def examine(settings: Settings) -> list[Diagnosis]:
    """Return how everything does that `assay assess` needs: packs, network, decoders, store."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("packs", _packs),
        ("network", partial(_network, settings)),
        ("decoder processes", partial(_decoders, settings)),
        ("store", partial(_store, settings)),
        ("processors", lambda: f"{os.cpu_count()} found, {settings.workers} workers"),
    ]
    return [_try(name, check) for name, check in checks]


def _try(name: str, check: Callable[[], str]) -> Diagnosis:
    try:
        return Diagnosis(name, True, check())
    except (AssayError, OSError) as exc:
        return Diagnosis(name, False, str(exc))


def _packs() -> str:
    return ", ".join(packs.installed()) or "none installed"


def _network(settings: Settings) -> str:
    network = open_network(backbone.describe(), runtime=settings.runtime, cache=settings.cache)
    pooled = network.extract(np.zeros((224, 224, 3), np.uint8)).pooled
    return f"{network.device}, {len(pooled)} features"


def _decoders(settings: Settings) -> str:
    name = next(iter(packs.installed()))
    with Sandbox(packs.entry_of(name), 224, settings) as sandbox:
        (sample,) = sandbox.samples([wrap_bytes("not a picture", b"not a picture")])
        layers = ", ".join(sandbox.layers)
    refused = f"a file that is no picture was refused ({type(sample.frame).__name__})"
    return f"{refused}; confined by {layers}"


def _store(settings: Settings) -> str:
    with open_store(settings) as store:
        return mask_url(store.engine.url)
