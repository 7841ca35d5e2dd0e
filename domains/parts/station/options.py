"""What a station file says of triggers and outputs."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, model_validator

Port = Annotated[int, Field(ge=0, le=65535)]


class StrictModel(BaseModel):
    """A table of the station file: frozen, and without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class TriggerOptions(StrictModel):
    """What says that a part is in front of the camera."""

    kind: Literal["file", "free_running", "mqtt", "modbus", "opcua"] = "file"
    settle_ms: int = Field(
        default=200, ge=0, le=60_000, description="A file counts once it stood still so long."
    )
    rescan_s: float = Field(
        default=2.0, gt=0, le=3600, description="Seconds between scans of a folder."
    )
    polling: bool = Field(default=False, description="For NFS and SMB, which send no events.")
    pair_s: float = Field(
        default=2.0,
        gt=0,
        le=3600,
        description="For how long the pictures of one part from several folders wait for each "
        "other; a part that lacks one then fails.",
    )


class ModbusOptions(StrictModel):
    """The Modbus TCP server."""

    host: str = "127.0.0.1"
    port: Port = 502
    unit: int = Field(default=1, ge=0, le=247)
    allow: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="Addresses or networks that are served; empty = any."
    )


class MqttOptions(StrictModel):
    """The MQTT broker to publish to."""

    host: str = "127.0.0.1"
    port: Port = 1883
    topic: str = Field(
        default="",
        pattern=r"^([^+#$\x00][^+#\x00]{0,199})?$",
        description="Prefix of every topic; assay/NAME of the station where empty.",
    )
    client_id: str = Field(
        default="",
        max_length=200,
        description="Of this station alone, or the broker puts one of two off for the other; "
        "assay-NAME of the station where empty.",
    )
    username: str = ""
    password_env: str = Field(
        default="ASSAY_MQTT_PASSWORD", description="Variable that holds the password."
    )
    ca_file: str = Field(default="", description="CA certificates: then TLS is used.")
    valid_s: float = Field(
        default=5.0, gt=0, le=3600, description="How long a result or command holds."
    )

    def of_station(self, name: str) -> Self:
        """Return the options with what is left empty taken from the station's name."""
        return self.model_copy(
            update={
                "topic": self.topic or f"assay/{name}",
                "client_id": self.client_id or f"assay-{name}",
            }
        )


class OpcuaOptions(StrictModel):
    """The OPC UA server."""

    endpoint: str = Field(
        default="opc.tcp://127.0.0.1:4840/assay",
        pattern=r"^opc\.tcp://[^\s/:]+:[0-9]{1,5}(/[^\s]*)?$",
        description="Address and port.",
    )
    certificate: str = Field(
        default="",
        description="The server's certificate, PEM or DER: then all is signed and encrypted "
        "(Basic256Sha256). Without it keep the server off other nets.",
    )
    private_key: str = Field(default="", description="Its RSA key, without a password.")
    username: str = Field(default="", description="User that is let in; then nobody else is.")
    password_env: str = Field(
        default="ASSAY_OPCUA_PASSWORD", description="Variable that holds the user's password."
    )
    clients: tuple[str, ...] = Field(
        default=(),
        description="Certificates that are let in as a client's identity; then nobody else is.",
    )

    @model_validator(mode="after")
    def _encrypts_what_is_secret(self) -> Self:
        if bool(self.certificate) != bool(self.private_key):
            raise ValueError("certificate and private_key belong together")
        if (self.username or self.clients) and not self.certificate:
            raise ValueError("username and clients need a certificate, or they are sent in plain")
        return self


class WebhookOptions(StrictModel):
    """Where results are posted as JSON."""

    url: str = Field(
        pattern=r"^https?://[^\s/?#@]+(/[^\s#]*)?$",
        description="http:// or https://, without a user name; what it redirects to gets nothing.",
    )
    timeout_s: float = Field(default=5.0, gt=0, le=300)
    token_env: str = Field(
        default="ASSAY_WEBHOOK_TOKEN", description="Variable that holds a bearer token."
    )


class CsvOptions(StrictModel):
    """A file a day with one line a part."""

    folder: str = Field(min_length=1)
    separator: Literal[",", ";"] = ","
    bom: bool = Field(default=False, description="Whether files begin with a byte order mark.")


class OutputOptions(StrictModel):
    """Where status and results go; what is left out does not run."""

    modbus: ModbusOptions | None = None
    mqtt: MqttOptions | None = None
    opcua: OpcuaOptions | None = None
    webhook: WebhookOptions | None = None
    csv: CsvOptions | None = None
