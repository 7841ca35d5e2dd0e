"""What a batch is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Engine(StrEnum):
    """What runs the parts of a batch."""

    RAY = "ray"
    THREADS = "threads"


@dataclass(frozen=True)
class BatchSpec:
    """One batch; asked for again, it judges what is missing.

    Attributes:
        bundle: The bundle's folder.
        source: A folder, a zip, one picture, a manifest (CSV, Parquet), or a URL of one of these.
        out: Folder of the verdicts.
        policy: Id of a policy; the current one when empty.
        product: Which of the pack's products the pictures are of; empty for the only one.
        column: The manifest's column of paths or URLs; a usual name of it when empty.
        is_recorded: Whether verdicts go into the store as well.
        engine: What runs the parts.
        workers: Assessors at a time on Ray; one a processor of the cluster when 0.
        address: Of a running Ray cluster; one on this machine is started and ended when empty.
        part_size: Pictures a part.
    """

    bundle: Path
    source: str
    out: Path
    policy: str = ""
    product: str = ""
    column: str = ""
    is_recorded: bool = False
    engine: Engine = Engine.RAY
    workers: int = 0
    address: str = ""
    part_size: int = 500
