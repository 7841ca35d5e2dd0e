"""Who has signed in to this browser session, where the settings name an OpenID provider."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import streamlit as st
from streamlit.runtime.secrets import SecretsValue

from core.service.people.oidc import OidcProvider, provider_of
from core.service.people.sessions import SignedIn, signed_in_from
from core.settings import Settings


@lru_cache(maxsize=1)
def provider() -> OidcProvider | None:
    """Return the provider; None in single-user mode.

    Raises:
        ConfigError: It is configured in part, or cannot be used.
    """
    return provider_of(Settings())


def has_sign_in() -> bool:
    """Return whether people sign in, instead of one person giving their name."""
    return provider() is not None


def current() -> SignedIn | None:
    """Return the sign-in that this session's cookie holds, whether it still counts or not."""
    if not has_sign_in() or not st.user.get("is_logged_in"):
        return None
    return signed_in_from(dict(st.user))


def secrets(found: OidcProvider | None, *, asks_again: bool) -> Mapping[str, SecretsValue]:
    """Return what Streamlit's ``st.login`` reads, which is in no file.

    Args:
        found: The provider.
        asks_again: Whether the provider is to ask for the password although it knows the browser.
    """
    if found is None:
        return {}
    return {
        "auth": {
            "redirect_uri": found.redirect_uri,
            "cookie_secret": found.cookie_secret,
            "client_id": found.client_id,
            "client_secret": found.client_secret,
            "server_metadata_url": found.metadata_url,
            "client_kwargs": {
                "scope": "openid profile email",
                "prompt": "login" if asks_again else "select_account",
            },
        }
    }
