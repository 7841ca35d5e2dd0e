"""Where a store is: paths and URLs, and how they are printed without a password."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import ConfigError

_MASK = "***"
_SECRET = {"password", "passfile", "sslpassword", "sslkey", "service", "servicefile"}
ADDRESSES = "Give a path, sqlite:///PATH or postgresql://USER:PASSWORD@HOST/DATABASE."


def parse_address(where: str | Path) -> URL:
    """Return the URL of a store, SQLite's for a path.

    Raises:
        ConfigError: It cannot be read, or no store can live there.
    """
    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):
        # The parser's own words may quote the URL, password and all.
        raise ConfigError("The store's URL cannot be read.", hint=ADDRESSES) from None
    if url.get_backend_name() in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite" or not url.database:
        raise ConfigError(f"A store cannot live at {mask_url(url)}.", hint=ADDRESSES)
    return url


def mask_url(url: URL) -> str:
    """Return a URL to be printed: passwords, in the query too, are masked."""
    query = {name: _MASK if name.lower() in _SECRET else text for name, text in url.query.items()}
    return url.set(query=query).render_as_string(hide_password=True)


def mask_secrets(message: str, url: URL) -> str:
    """Return what a driver says with a URL's passwords masked."""
    secrets = [str(url.password or "")]
    for name, value in url.query.items():
        if name.lower() in _SECRET:
            secrets += [value] if isinstance(value, str) else list(value)
    for secret in filter(None, secrets):
        for spelt in (secret, quote(secret, safe=""), quote_plus(secret)):
            message = message.replace(spelt, _MASK)
    return message


def is_same(where: str | Path, other: str | Path) -> bool:
    """Return whether two addresses name one database.

    Raises:
        ConfigError: One cannot be used.
    """
    urls = [parse_address(one) for one in (where, other)]
    if {url.get_backend_name() for url in urls} == {"sqlite"}:
        files = [Path(url.database or "").resolve() for url in urls]
        return files[0] == files[1]
    return urls[0] == urls[1]
