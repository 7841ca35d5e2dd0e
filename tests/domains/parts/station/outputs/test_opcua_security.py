"""OPC UA with a certificate: encrypted, and only whom the station file names is let in."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from core.errors import ConfigError
from domains.parts.station.options import OpcuaOptions
from domains.parts.station.outputs.opcua import OpcuaOutput
from domains.parts.station.outputs.opcua_security import read_security
from tests.domains.parts.station.broker import free_port

pytestmark = pytest.mark.service
OWN = "urn:assay:station"
NOW = datetime.datetime.now(datetime.UTC)


def issue(folder: Path, name: str, encoding: Encoding = Encoding.PEM, key=None) -> tuple[str, str]:
    """Write a certificate that signs itself, and its key; return their paths."""
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    uri = x509.UniformResourceIdentifier(f"urn:{name}")
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - datetime.timedelta(days=1))
        .not_valid_after(NOW + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([uri, x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    kind = "pem" if encoding is Encoding.PEM else "der"
    files = folder / f"{name}.{kind}", folder / f"{name}-key.{kind}"
    files[0].write_bytes(made.public_bytes(encoding))
    files[1].write_bytes(
        key.private_bytes(encoding, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    )
    return str(files[0]), str(files[1])


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    der = issue(folder, "plc", Encoding.DER)
    return {"station": issue(folder, "station"), "plc": der, "other": issue(folder, "other")}


class Server:
    def __init__(self, **options) -> None:
        self.endpoint = f"opc.tcp://127.0.0.1:{free_port()}/assay"
        self.output = OpcuaOutput("s1", OpcuaOptions(endpoint=self.endpoint, **options), print)

    def __enter__(self):
        self.output.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.output.close()

    def read(self, channel=None, identity=None, user=None):
        return asyncio.run(self._read(channel, identity, user))

    async def _read(self, channel, identity, user):
        client = Client(self.endpoint, timeout=30)
        if channel is not None:
            # The client says who it is by the address in its certificate.
            client.application_uri = "urn:" + Path(channel[0]).stem
            mode = ua.MessageSecurityMode.SignAndEncrypt
            await client.set_security(SecurityPolicyBasic256Sha256, *channel, mode=mode)
        if identity is not None:
            await client.load_client_certificate(identity[0])
            await client.load_private_key(identity[1])
        if user is not None:
            client.set_user(user[0])
            client.set_password(user[1])
        async with client:
            index = await client.get_namespace_index(OWN)
            return await client.get_node(ua.NodeId("StatusBlock.PASS", index)).read_value()


def station(keys, **more):
    return {"certificate": keys["station"][0], "private_key": keys["station"][1], **more}


def test_with_a_certificate_nothing_is_sent_in_plain(keys):
    with Server(**station(keys)) as server:
        assert server.read(keys["plc"]) is False
        with pytest.raises((ua.UaError, ConnectionError, asyncio.TimeoutError)):
            server.read()
        endpoints = asyncio.run(Client(server.endpoint).connect_and_get_server_endpoints())
        assert {(one.SecurityPolicyUri, one.SecurityMode) for one in endpoints} == {
            (SecurityPolicyBasic256Sha256.URI, ua.MessageSecurityMode.SignAndEncrypt)
        }
        assert {one.Server.ApplicationUri for one in endpoints} == {"urn:station"}


def test_a_user_needs_the_password_and_nobody_comes_in_without(keys, monkeypatch):
    monkeypatch.setenv("ASSAY_OPCUA_PASSWORD", "s3cret")
    with Server(**station(keys, username="plc")) as server:
        assert server.read(keys["plc"], user=("plc", "s3cret")) is False
        for user in (("plc", "wrong"), ("plc", ""), ("admin", "s3cret"), ("", "")):
            with pytest.raises(ua.UaError):
                server.read(keys["plc"], user=user)
        with pytest.raises(ua.UaError):
            server.read(keys["plc"])
        with pytest.raises(ua.UaError):
            server.read(keys["plc"], identity=keys["plc"])


def test_a_client_comes_in_by_its_own_certificate_alone(keys):
    with Server(**station(keys, clients=(keys["plc"][0],))) as server:
        assert server.read(keys["other"], identity=keys["plc"]) is False
        with pytest.raises(ua.UaError):
            server.read(keys["plc"], identity=keys["other"])
        with pytest.raises(ua.UaError):
            server.read(keys["plc"])
        with pytest.raises(ua.UaError):
            # It has the certificate, which is no secret, and not the key.
            server.read(keys["other"], identity=(keys["plc"][0], keys["other"][1]))


def test_what_would_be_sent_in_plain_is_refused(keys):
    for options in ({"username": "plc"}, {"clients": ("plc.crt",)}, {"private_key": "a"}):
        with pytest.raises(ValidationError):
            OpcuaOptions(**options)


def test_files_that_cannot_be_used_are_named_at_the_start(keys, tmp_path, monkeypatch):
    monkeypatch.delenv("ASSAY_OPCUA_PASSWORD", raising=False)
    junk = tmp_path / "junk"
    junk.write_bytes(b"\x00\xff")
    curve = issue(tmp_path, "curve", key=ec.generate_private_key(ec.SECP256R1()))
    right = station(keys)
    for options, found in (
        (right | {"certificate": str(tmp_path / "gone")}, "gone cannot be read: No such file"),
        (right | {"certificate": str(junk)}, "junk cannot be read: it is none"),
        (right | {"private_key": keys["other"][1]}, "is not the key of"),
        (dict(zip(("certificate", "private_key"), curve, strict=True)), "curve-key.pem cannot be"),
        (right | {"clients": (str(junk),)}, "junk cannot be read"),
        (right | {"username": "plc"}, "password of the OPC UA user plc is not set"),
    ):
        with pytest.raises(ConfigError, match=found):
            read_security(OpcuaOptions(**options))
