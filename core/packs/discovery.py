"""Which packs are installed; the only place that knows about entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from core import logs
from core.errors import ConfigError, UnknownPack
from core.packs.domain_pack import DataSet, DomainPack
from core.packs.output import MessageOutput

GROUP = "assay.domains"


@cache
def entries() -> dict[str, str]:
    """Return the import path of every registered pack by name, as the process found them first."""
    return {point.name: point.value for point in entry_points(group=GROUP)}


def entry_of(name: str) -> str:
    """Return the import path ``module:attribute`` of an installed pack.

    Raises:
        UnknownPack: No distribution registers that name under ``assay.domains``.
    """
    known = entries()
    if name not in known:
        raise UnknownPack(name, sorted(known))
    return known[name]


def load(entry: str) -> DomainPack:
    """Return one pack by its ``module:attribute`` path.

    Raises:
        ConfigError: The module does not import or the attribute is no DomainPack.
    """
    pack = import_path(entry)
    if not isinstance(pack, DomainPack):
        raise ConfigError(
            f"{entry!r} is a {type(pack).__name__}, not a DomainPack.",
            hint="Point the entry point at the DomainPack value.",
        )
    logs.declare_logger(entry.partition(":")[0].partition(".")[0])
    return pack


def load_to_read(entry: str) -> DomainPack:
    """Return one pack as ``load``, with what its ``read`` imports already imported.

    Raises:
        ConfigError: The pack or one of these modules does not import.
    """
    pack = load(entry)
    for module in pack.read_imports:
        try:
            import_module(module)
        except ImportError as exc:
            raise ConfigError(
                f"{module!r}, which the pack {pack.name!r} reads with, does not import: {exc}.",
                hint="Reinstall the distribution that brings it.",
            ) from exc
    return pack


def import_path(path: str) -> object:
    """Return what a path ``module:attribute`` names.

    Raises:
        ConfigError: It does not import.
    """
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as exc:
        raise ConfigError(
            f"{path!r} does not import: {exc}.",
            hint="Reinstall the distribution that brings it.",
        ) from exc


def installed() -> dict[str, DomainPack]:
    """Return every installed pack, ours and third parties', by name in alphabetical order.

    Raises:
        ConfigError: A registered pack does not import.
    """
    return {name: load(entry) for name, entry in sorted(entries().items())}


def pack_named(name: str) -> DomainPack:
    """Return one installed pack.

    Raises:
        UnknownPack: No installed pack has that name.
        ConfigError: It does not import.
    """
    return load(entry_of(name))


def priorities_of(name: str) -> Mapping[str, int]:
    """Return the priorities that a pack declares; none where it is not installed.

    Raises:
        ConfigError: The pack does not import.
    """
    return load(entries()[name]).priorities if name in entries() else {}


def output_named(name: str) -> MessageOutput:
    """Return an output of an installed pack.

    Raises:
        ConfigError: No installed pack has an output of that name, or one does not import.
    """
    known = {one.name: one for pack in installed().values() for one in pack.outputs}
    if name not in known:
        raise ConfigError(
            f"No output is called {name!r}; there are: {', '.join(sorted(known)) or 'none'}.",
            hint="Install the pack that declares it again.",
        )
    return known[name]


def commands_of(name: str) -> object | None:
    """Return the commands that an installed pack brings; None where it brings none.

    Raises:
        UnknownPack: No installed pack has that name.
        ConfigError: The pack or its commands do not import.
    """
    pack = pack_named(name)
    return import_path(pack.commands) if pack.commands else None


def graph_of(pack: DomainPack) -> Callable[..., object] | None:
    """Return what adds a pack's own preparation to an exported graph, where it has one.

    Raises:
        ConfigError: The pack names a function that does not import.
    """
    return cast("Callable[..., object]", import_path(pack.graph)) if pack.graph else None


def demos() -> list[Callable[..., list[str]]]:
    """Return every pack's part of the demo: ``(settings, progress) -> table lines``.

    Raises:
        ConfigError: A pack names a lane that does not import.
    """
    lanes = [pack.demo for pack in installed().values() if pack.demo]
    return [cast("Callable[..., list[str]]", import_path(lane)) for lane in lanes]


def data_set(name: str) -> DataSet:
    """Return a data set by name among those of all installed packs.

    Raises:
        ConfigError: No installed pack has a data set of that name.
    """
    known = {one.name: one for pack in installed().values() for one in pack.data_sets}
    if name not in known:
        raise ConfigError(
            f"No data set is called {name!r}; there are: {', '.join(sorted(known)) or 'none'}.",
            hint="`assay data list` shows them.",
        )
    return known[name]
