"""Who may use the OPC UA server: its certificate, and the users and clients that it lets in."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from core.errors import ConfigError
from domains.parts.station.options import OpcuaOptions

_PEM = b"-----BEGIN"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OpcuaSecurity:
    """What the server identifies itself by, and whom it lets in.

    Attributes:
        certificate: The server's, DER; empty where nothing is encrypted.
        private_key: Its key, DER.
        uri: The application's address that the certificate states; empty where it states none.
        username: The user that is let in; empty for none.
        password: The user's password.
        clients: Certificates of the clients that are let in, DER.
    """

    certificate: bytes = b""
    private_key: bytes = b""
    uri: str = ""
    username: str = ""
    password: str = ""
    clients: frozenset[bytes] = frozenset()

    @property
    def is_anonymous(self) -> bool:
        """Whether anybody is let in."""
        return not (self.username or self.clients)


def read_security(options: OpcuaOptions) -> OpcuaSecurity:
    """Return what a station file says of security, with the files that it names.

    Raises:
        ConfigError: A file cannot be read, the key is another's, or the password is missing.
    """
    if not options.certificate:
        return OpcuaSecurity()
    certificate = _read(options.certificate, "certificate", _certificate)
    key = _read(options.private_key, "private_key", _private_key)
    if _public(certificate.public_key()) != _public(key.public_key()):
        raise ConfigError(
            f"{options.private_key} is not the key of {options.certificate}.",
            hint="Give the certificate's own key as outputs.opcua.private_key.",
        )
    clients = (_read(one, "clients", _certificate) for one in options.clients)
    return OpcuaSecurity(
        certificate.public_bytes(Encoding.DER),
        key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        _uri_of(certificate),
        options.username,
        _password(options) if options.username else "",
        frozenset(client.public_bytes(Encoding.DER) for client in clients),
    )


async def secure(server: Server, security: OpcuaSecurity) -> None:
    """Let a server use a certificate, and let in whom it is to let in.

    With a certificate everything is signed and encrypted, and nothing else is offered.
    """
    if not security.certificate:
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        server.set_identity_tokens([ua.AnonymousIdentityToken])
        return
    await server.load_certificate(security.certificate)
    await server.load_private_key(security.private_key, format="der")
    if security.uri:
        await server.set_application_uri(security.uri)
    server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    server.set_identity_tokens(_tokens(security))
    server.iserver.set_user_manager(_Users(security))


class _Users(UserManager):
    """Lets in the user and the clients of the station file; nobody administers the server."""

    def __init__(self, security: OpcuaSecurity) -> None:
        self._security = security

    def get_user(
        self,
        iserver: Any,  # noqa: ANN401, ARG002 - asyncua's signature
        username: str | None = None,
        password: str | None = None,
        certificate: bytes | None = None,
    ) -> User | None:
        security = self._security
        if username is not None:
            is_in = bool(security.username) and all(
                hmac.compare_digest(given.encode(), right.encode())
                for given, right in (
                    (username, security.username),
                    (password or "", security.password),
                )
            )
        else:
            is_in = security.is_anonymous or certificate in security.clients
        return User(role=UserRole.User, name=username) if is_in else None


def _tokens(security: OpcuaSecurity) -> list[type]:
    if security.is_anonymous:
        return [ua.AnonymousIdentityToken]
    tokens = {
        ua.UserNameIdentityToken: bool(security.username),
        ua.X509IdentityToken: bool(security.clients),
    }
    return [token for token, is_offered in tokens.items() if is_offered]


def _password(options: OpcuaOptions) -> str:
    if password := os.environ.get(options.password_env, ""):
        return password
    raise ConfigError(
        f"The password of the OPC UA user {options.username} is not set.",
        hint=f"Set the variable {options.password_env}.",
    )


def _read(path: str, entry: str, load: Callable[[bytes], T]) -> T:
    try:
        return load(Path(path).read_bytes())
    except (OSError, ValueError, TypeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is none that can be used"
        raise ConfigError(
            f"{path} cannot be read: {reason}.",
            hint=f"Correct outputs.opcua.{entry}: PEM or DER, RSA, the key without a password.",
        ) from exc


def _certificate(data: bytes) -> x509.Certificate:
    is_pem = data.startswith(_PEM)
    return (x509.load_pem_x509_certificate if is_pem else x509.load_der_x509_certificate)(data)


def _private_key(data: bytes) -> RSAPrivateKey:
    key = (load_pem_private_key if data.startswith(_PEM) else load_der_private_key)(data, None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("expected an RSA key")
    return key


def _public(key: Any) -> bytes:  # noqa: ANN401 - any kind of public key
    data: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return data


def _uri_of(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ""
    return next(iter(names.value.get_values_for_type(x509.UniformResourceIdentifier)), "")
