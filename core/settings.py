"""Where things run. How things are judged is a Policy; how a pack works is its code."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigError

MEBI = 1024 * 1024


class Settings(BaseSettings):
    """Environment of one process, read from ``ASSAY_*`` variables at the edge and passed down."""

    model_config = SettingsConfigDict(env_prefix="ASSAY_", extra="ignore", frozen=True)

    home: Path = Field(
        default=Path(".assay"), description="Folder of the store, the blobs and the cache."
    )
    store_url: str = Field(
        default="", description="PostgreSQL URL; empty = SQLite in the home folder."
    )
    runtime: str = Field(
        default="onnx",
        description="Network runtime: onnx, openvino, torch, torch:cpu or torch:cuda.",
    )
    workers: int = Field(default=2, ge=1, le=64, description="Inference threads, one core each.")
    decoders: int = Field(default=1, ge=1, le=64, description="Disposable decoder processes.")
    max_pixels: int = Field(
        default=64_000_000, ge=1, description="Largest picture accepted, in pixels."
    )
    max_bytes: int = Field(default=64 * MEBI, ge=1, description="Largest file accepted, in bytes.")
    decode_timeout_s: float = Field(default=20.0, gt=0, description="Longest time for one picture.")
    decode_memory_mb: int = Field(
        default=2048, ge=256, description="Memory limit of a decoder process."
    )
    character_set: str = Field(
        default="ISO_IR 100",
        pattern=r"^(ISO_IR (13|100|101|109|110|126|127|138|144|148|166|192|203)|GB18030|GBK)$",
        description="Character set of DICOM files that name none, by its name in DICOM.",
    )
    inference_timeout_s: float = Field(
        default=60.0, gt=0, description="Watchdog of one network call."
    )
    shared_data: Path = Field(
        default=Path("../shared/data"),
        description="Labelled pictures that some tests and cards refer to.",
    )
    anchor_file: str = Field(
        default="",
        description="File outside the home folder to which workers note the newest audit event.",
    )
    logs: str = Field(
        default="text",
        pattern="^(text|json)$",
        description="Log of the dashboard: text, or json = JSON lines of fixed words alone.",
    )
    metrics_token: str = Field(
        default="",
        repr=False,
        description="Bearer token of who reads /metrics from another machine; empty = this alone.",
    )
    demo_dashboard: bool = Field(
        default=True, description="Whether `assay demo` ends in the dashboard."
    )
    reviewer: str = Field(
        default="", description="Name signed under reviews when the page asks none."
    )
    admin: str = Field(
        default="",
        description="Issuer and subject, a blank between them, of who is the first admin.",
    )
    oidc_metadata_url: str = Field(
        default="", description="Discovery document of the OpenID provider; empty = single user."
    )
    oidc_client_id: str = Field(default="", description="What the provider calls Assay.")
    oidc_client_secret: str = Field(
        default="", repr=False, description="By which Assay proves itself to the provider."
    )
    cookie_secret: str = Field(
        default="", repr=False, description="Signs the dashboard's cookies; 32 characters or more."
    )
    base_url: str = Field(
        default="", description="Address of the dashboard in a browser, a proxy's path included."
    )
    session_minutes: float = Field(
        default=0.0, ge=0, description="How long a sign-in counts; 0 = as the provider has it."
    )
    idle_minutes: float = Field(
        default=0.0, ge=0, description="After how long without a key or click to lock; 0 = never."
    )

    alarm_webhook: str = Field(
        default="", description="URL that gets a POST of JSON for every alarm of the monitor."
    )
    alarm_mqtt: str = Field(
        default="",
        pattern=r"^(mqtts?://([^\s@/]+@)?[^\s@/:]+(:[0-9]{1,5})?/[^\s+#]+)?$",
        description="Broker and topic of alarms: mqtt://[USER@]HOST[:PORT]/TOPIC, or mqtts.",
    )
    alarm_mail: str = Field(
        default="", description="Addresses that get a mail for every alarm, parted by commas."
    )
    smtp: str = Field(
        default="",
        pattern=r"^(smtps?://([^\s@/]+@)?[^\s@/:]+(:[0-9]{1,5})?)?$",
        description="Mail server: smtp://[USER@]HOST[:PORT], with STARTTLS where it is offered, "
        "or smtps.",
    )
    smtp_sender: str = Field(default="assay@localhost", description="Address that mails are from.")
    smtp_password: str = Field(default="", repr=False, description="Password at the mail server.")
    mqtt_password: str = Field(
        default="", repr=False, description="Password at the broker of alarms."
    )
    voiding_alarms: str = Field(
        default="escapes,ood,drift",
        pattern=r"^(escapes|ood|drift)?(,(escapes|ood|drift))*$",
        description="Alarms that suspend a certificate; the others only tell people.",
    )

    def __init__(self, **values: Any) -> None:  # noqa: ANN401
        """Read the environment; values given here count before it.

        Raises:
            ConfigError: What is wrong with which variables, all at once.
        """
        try:
            super().__init__(**values)
        except ValidationError as exc:
            faults = "; ".join(
                f"ASSAY_{str(one['loc'][0]).upper()} = {one['input']!r}: {one['msg']}"
                for one in exc.errors()
            )
            raise ConfigError(
                f"The settings cannot be used: {faults}.",
                hint="Set these variables of the environment anew, or leave them out.",
            ) from exc

    @field_validator("home")
    @classmethod
    def _refuse_file(cls, home: Path) -> Path:
        """Return a home that is no file and not below one, before hours of work end there."""
        for above in (home, *home.parents):
            if os.path.exists(above):  # unlike Path.exists it never raises
                if not os.path.isdir(above):
                    raise ValueError(f"{above} is a file; expected a folder")
                break
        return home

    @property
    def blobs(self) -> Path:
        """Folder of the content-addressed files."""
        return self.home / "blobs"

    @property
    def cache(self) -> Path:
        """Folder of compiled networks; safe to delete."""
        return self.home / "cache"
