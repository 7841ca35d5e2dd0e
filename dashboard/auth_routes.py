"""Coming back from the OpenID provider, signing out, and what is served to nobody else.

Streamlit's own callback keeps every claim of the ID token in cookies: with 60 groups they outgrow
the buffers of proxies, and a browser drops the sign-in without a word. Ours keeps who it is, and
names the sign-in, so that it can be ended here whatever a browser still holds. These routes stand
before Streamlit's, of which they use the private parts (bounded in pyproject.toml).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import httpx
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.web.server.starlette import starlette_auth_routes as streamlit_auth
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from core.errors import AssayError, PermissionDenied
from core.people import Role
from core.records.connection import Store
from core.records.values import now
from core.service.people import sessions
from core.service.people.oidc import CALLBACK, OidcProvider
from core.service.people.sessions import LEEWAY_S, SignedIn, kept_claims, signed_in_from
from core.service.store import open_store
from core.settings import Settings
from dashboard.addresses import root_path

MAX_COOKIES = 3500
"""Most bytes of cookies that a sign-in may need; proxies have buffers of 4 KB for all headers."""

REFUSED, TOO_LARGE, UNREACHABLE = "refused", "too-large", "unreachable"
_OPEN = ("/healthz", "/metrics")
_LEAST_ROLE = {"/assay-upload": Role.REVIEWER}
_STREAMLIT_FILES = ("/media/", "/_stcore/upload_file/")
_LOG = logging.getLogger(__name__)


def routes(provider: OidcProvider | None) -> Sequence[Route]:
    """Return the routes that signing in needs; none in single-user mode."""
    if provider is None:
        return []

    async def callback(request: Request) -> Response:
        return await _finish_sign_in(request, provider)

    return [
        Route(f"/{CALLBACK}", callback, methods=["GET"]),
        Route("/auth/login", _begin_sign_in, methods=["GET"]),
        Route("/auth/logout", _sign_out, methods=["GET"]),
    ]


class SignInGuard:
    """Serves what is ours, pictures and uploads included, to people with a role alone.

    Args:
        app: What is guarded.
        routes: Our own routes; whatever is not named as open is guarded.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[Route]) -> None:
        self._app = app
        self._own = [one for one in routes if one.path.removeprefix(root_path()) not in _OPEN]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 401 or 403 in the place of what is guarded."""
        if scope["type"] == "http" and (role := self._needed(scope["path"])) is not None:
            request = Request(scope)
            if (refusal := await run_sync(_refusal, request, role)) is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _needed(self, path: str) -> Role | None:
        """Return the least role that may ask for a path; None where anybody may."""
        below = path.removeprefix(root_path())
        if below in (f"/{CALLBACK}", "/auth/login", "/auth/logout"):
            return None
        if not below.startswith(_STREAMLIT_FILES) and not any(
            one.path_regex.match(path) for one in self._own
        ):
            return None
        found = (role for prefix, role in _LEAST_ROLE.items() if below.startswith(prefix))
        return next(found, Role.VIEWER)


async def _begin_sign_in(request: Request) -> Response:
    answer = await streamlit_auth._auth_login(request, root_path())
    # Streamlit answers so where it cannot read the provider's metadata.
    return _to_dashboard(UNREACHABLE) if answer.status_code == 400 else answer


async def _finish_sign_in(request: Request, provider: OidcProvider) -> Response:
    """Return to the dashboard, signed in or with the reason why not; never to another address."""
    if streamlit_auth._get_provider_by_state(request, request.query_params.get("state")) is None:
        return _to_dashboard()  # after signing out, or a page that was left open for an hour
    client, _ = streamlit_auth._create_oauth_client("default")
    try:
        metadata = await client.load_server_metadata()
        token = await client.authorize_access_token(
            request, leeway=LEEWAY_S, claims_options=_claims_options(metadata, provider)
        )
        claims = kept_claims(token.get("userinfo") or {}, minutes=Settings().session_minutes)
    except (OSError, httpx.TransportError) as exc:
        _LOG.warning("The OpenID provider cannot be reached: %s", type(exc).__name__)
        return _to_dashboard(UNREACHABLE)
    except Exception as exc:
        # Whatever a foreign server answers, and authlib makes of it: nobody is signed in by it.
        _LOG.warning("A sign-in was refused: %s", type(exc).__name__)
        return _to_dashboard(REFUSED)
    return _with_cookie(claims, provider)


def _claims_options(metadata: Mapping[str, Any], provider: OidcProvider) -> dict[str, Any]:
    # Without it authlib takes a token for somebody else that names us as the authorised party.
    return {
        "iss": {"essential": True, "values": [metadata["issuer"]]},
        "aud": {"essential": True, "values": [provider.client_id]},
    }


def _with_cookie(claims: Mapping[str, object], provider: OidcProvider) -> Response:
    origin = provider.base_url.removesuffix(provider.root_path)
    value = {**claims, "origin": origin, "is_logged_in": True, "provider": "default"}
    signed = streamlit_auth._create_signed_value_wrapper(USER_COOKIE_NAME, json.dumps(value))
    if len(signed) > MAX_COOKIES:
        return _to_dashboard(TOO_LARGE)
    response = _to_dashboard()
    ends = int(str(claims["exp"]))
    response.set_cookie(
        USER_COOKIE_NAME,
        signed.decode(),
        max_age=max(1, ends - int(now().timestamp())),
        path=root_path() or "/",
        secure=provider.is_secure,
        httponly=True,
        samesite="lax",
    )
    return response


def _to_dashboard(problem: str = "") -> Response:
    query = f"?sign-in={problem}" if problem else ""
    return RedirectResponse(f"{root_path()}/{query}", status_code=302)


async def _sign_out(request: Request) -> Response:
    if (found := _signed_in(request)) is not None:
        await run_sync(sessions.end, _store(), found, "sign out")
    return await streamlit_auth._auth_logout(request, root_path())


def _signed_in(request: Request) -> SignedIn | None:
    value = streamlit_auth._get_cookie_value_from_request(request, USER_COOKIE_NAME)
    try:
        claims = json.loads(value) if value else {}
    except ValueError:
        return None
    return signed_in_from(claims) if isinstance(claims, dict) else None


def _refusal(request: Request, role: Role) -> Response | None:
    try:
        by = sessions.person_signed_in(_store(), _signed_in(request))
        by.require(role, "ask for this")
    except PermissionDenied as exc:
        return JSONResponse({"error": str(exc)}, 403 if by.id else 401)
    except AssayError as exc:
        return JSONResponse({"error": exc.message}, 503)
    return None


@lru_cache(maxsize=1)
def _store() -> Store:
    return open_store(Settings())
