"""What is served: Streamlit with the script of the pages, what pages offer, and uploads."""

from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from core.service.health.routes import Health
from core.settings import Settings
from dashboard import auth_routes, offered, sign_in, thumbnails, upload, view_events
from dashboard.addresses import below_root

_provider = sign_in.provider()
_health = Health(Settings())
_routes = below_root(
    [
        *auth_routes.routes(_provider),
        *offered.routes(),
        *upload.routes(),
        *thumbnails.routes(),
        *_health.routes(),
        *view_events.routes(),
    ]
)

app = st.App(
    Path(__file__).with_name("app.py").resolve(),
    routes=_routes,
    secrets=sign_in.secrets(_provider, asks_again=Settings().idle_minutes > 0),
    middleware=[Middleware(auth_routes.SignInGuard, routes=_routes)] if _provider else [],
)
