"""What is served: Streamlit with the script of the pages, and our own routes."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from streamlit.runtime.secrets import SecretsValue

from core.service.people.oidc import provider_of
from core.settings import Settings
from dashboard import first_page
from dashboard.addresses import below_root
from dashboard.index_page import IndexPage
from dashboard.own_routes import LateRoutes, list_routes

_provider = provider_of(Settings())
_routes: Sequence[BaseRoute] = [LateRoutes()]
_secrets: Mapping[str, SecretsValue] = {}
_middleware = [Middleware(IndexPage)]
if _provider is not None:
    from dashboard import auth_routes, sign_in

    _routes = _guarded = [*below_root(auth_routes.routes(_provider)), *list_routes()]
    _secrets = sign_in.secrets(_provider, asks_again=Settings().idle_minutes > 0)
    _middleware.append(Middleware(auth_routes.SignInGuard, routes=_guarded))

# By this very assignment Streamlit knows the file for an app, without having run it.
app = st.App(
    Path(__file__).with_name("app.py").resolve(),
    lifespan=first_page.prepare,
    routes=_routes,
    secrets=_secrets,
    middleware=_middleware,
)
