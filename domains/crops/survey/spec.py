"""What a survey is asked for, and where its verdicts are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigError
from core.records.connection import Store


@dataclass(frozen=True)
class SurveySpec:
    """What a survey is asked for.

    Attributes:
        source: A georeferenced orthomosaic, GeoTIFF; or a folder or zip of drone photos.
        out: Folder to write.
        tile_m: Side of a tile on the ground, in metres.
        bands: Names of the mosaic's bands in their order; empty for those that the file states.
        bundle: Folder of the bundle that judges; what is deployed for the product where None.
        policy: Id of a policy; the current one when empty.
        product: Crop and region, where a bundle is deployed for each.
        is_measured_only: Whether indices alone are wanted, and no model looks at anything.
        panel: Pictures of a reflectance panel, for multispectral captures; their own light sensor
            where None.
        panel_reflectance: Of the panel, by band.
    """

    source: Path
    out: Path
    tile_m: float = 2.0
    bands: tuple[str, ...] = ()
    bundle: Path | None = None
    policy: str = ""
    product: str = ""
    is_measured_only: bool = False
    panel: Path | None = None
    panel_reflectance: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a tile without a size.

        Raises:
            ConfigError: It is not positive.
        """
        if not 0.0 < self.tile_m < float("inf"):
            raise ConfigError(
                f"A tile of {self.tile_m:g} m was asked for; expected a positive length.",
                hint="Give --tile-m 2.",
            )


@dataclass(frozen=True, slots=True)
class CaseSpec:
    """Where verdicts are recorded.

    Attributes:
        store: The store.
        product: Crop and region.
        audit_share: Share of a deployment's automatic negatives drawn at random for a person; None
            where no deployment judges.
    """

    store: Store
    product: str
    audit_share: float | None
