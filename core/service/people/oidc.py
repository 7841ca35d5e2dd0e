"""The OpenID provider that people sign in with, as the settings name it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from core.errors import ConfigError
from core.settings import Settings

CALLBACK = "oauth2callback"
MIN_SECRET = 32

_VARIABLES = {
    "oidc_metadata_url": "ASSAY_OIDC_METADATA_URL",
    "oidc_client_id": "ASSAY_OIDC_CLIENT_ID",
    "oidc_client_secret": "ASSAY_OIDC_CLIENT_SECRET",
    "cookie_secret": "ASSAY_COOKIE_SECRET",
    "base_url": "ASSAY_BASE_URL",
}
_HINT = "README, `For an administrator`, says what each of them is."


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """How the dashboard reaches the provider, and how browsers reach the dashboard.

    Attributes:
        metadata_url: The provider's discovery document.
        client_id: What the provider calls this installation.
        client_secret: By which the installation proves itself to the provider.
        cookie_secret: Signs the cookies; the same for every process that serves one address.
        base_url: Where browsers find the dashboard, a path of a reverse proxy included.
    """

    metadata_url: str
    client_id: str
    client_secret: str = field(repr=False)
    cookie_secret: str = field(repr=False)
    base_url: str

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back to; to be registered there."""
        return f"{self.base_url}/{CALLBACK}"

    @property
    def root_path(self) -> str:
        """The path of the reverse proxy, such as ``/assay``; empty for none."""
        return urlsplit(self.base_url).path

    @property
    def host(self) -> str:
        """The name in the browser's address bar."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by HTTPS, so that cookies may be kept off plain HTTP."""
        return urlsplit(self.base_url).scheme == "https"


def provider_of(settings: Settings) -> OidcProvider | None:
    """Return the provider that the settings name; None in single-user mode, where none is.

    Raises:
        ConfigError: Something of it is missing or cannot be used; secrets are not repeated.
    """
    values = {name: str(getattr(settings, name)).strip() for name in _VARIABLES}
    if not any(values.values()):
        return None
    if missing := [_VARIABLES[name] for name, value in values.items() if not value]:
        raise ConfigError(
            f"Signing in is configured in part; missing: {', '.join(missing)}.", hint=_HINT
        )
    for name in ("oidc_metadata_url", "base_url"):
        _refuse_address(_VARIABLES[name], values[name])
    if len(values["cookie_secret"]) < MIN_SECRET:
        raise ConfigError(
            f"ASSAY_COOKIE_SECRET has {len(values['cookie_secret'])} characters; expected "
            f"{MIN_SECRET} at least.",
            hint="`openssl rand -hex 32` makes one.",
        )
    return OidcProvider(
        metadata_url=values["oidc_metadata_url"],
        client_id=values["oidc_client_id"],
        client_secret=values["oidc_client_secret"],
        cookie_secret=values["cookie_secret"],
        base_url=values["base_url"].rstrip("/"),
    )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_address(variable: str, address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ConfigError(
            f"{variable} is {address!r}; expected an address that begins with https://.",
            hint=_HINT,
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(
            f"{variable} is {address!r}: over plain HTTP anybody on the way could sign in as "
            "somebody else.",
            hint="Use https://; a reverse proxy brings the certificate.",
        )
    if variable == "ASSAY_BASE_URL" and (parts.query or parts.fragment):
        raise ConfigError(
            f"{variable} is {address!r}; expected a host and at most a path.", hint=_HINT
        )
