"""TLS for both ends of a connection, as a configuration file says it."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, model_validator

from core.errors import ConfigError


class TomlTable(BaseModel):
    """A table of a TOML file: frozen, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _beside_the_file(path: Path, info: ValidationInfo) -> Path:
    folder: Path = (info.context or {}).get("folder", Path())
    found = folder / path
    if not found.is_file():
        raise ValueError(f"there is no file {found}")
    return found


File = Annotated[Path, AfterValidator(_beside_the_file)]


class Tls(TomlTable):
    """Files in PEM form.

    Attributes:
        certificate: Ours, shown to the other side.
        key: Belongs to it.
        ca: Who must have signed the other side's certificate. For a server: whoever shows none is
            refused. For a client without it: the machine's own list.
    """

    certificate: File | None = None
    key: File | None = None
    ca: File | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate and its key come together")
        return self

    def client(self) -> ssl.SSLContext:
        """Return the context for calling a peer; its name is checked against its certificate."""
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate is not None and self.key is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def server(self) -> ssl.SSLContext:
        """Return the context for being called.

        Raises:
            ConfigError: There is no certificate to show.
        """
        if self.certificate is None or self.key is None:
            raise ConfigError(
                "TLS for incoming connections needs a certificate and its key.",
                hint='Give both: tls = { certificate = "node.pem", key = "node.key" }.',
            )
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        if self.ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
        return context
