"""Throw-away certificates: an authority, and whoever it vouches for."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


class Authority:
    """Signs certificates into a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        made = _certificate(self._name, self._key.public_key(), self._name, authority=True)
        self.file = _write(folder / f"{name}.pem", made.sign(self._key, hashes.SHA256()))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Give certificate and key for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(_name(name), key.public_key(), self._name, authority=False)
        made = made.add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        path = self._folder / f"{name}.key"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        signed = made.sign(self._key, hashes.SHA256())
        return _write(self._folder / f"{name}.pem", signed), path


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(subject, key, issuer, *, authority: bool) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_YESTERDAY)
        .not_valid_after(_YESTERDAY + datetime.timedelta(days=3))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )


def _write(path: Path, signed: x509.Certificate) -> Path:
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    return path
