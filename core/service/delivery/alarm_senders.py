"""How an alarm leaves: by HTTP, by MQTT 5, by SMTP; each message under one id, however often."""

from __future__ import annotations

import json
import os
import smtplib
import ssl
import threading
from email.message import EmailMessage
from email.utils import format_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from core.errors import AssayError, PermanentFailure
from core.records.outbox import Message
from core.records.values import now
from core.service.delivery.results import Unreachable
from core.settings import Settings

TIMEOUT_S = 10.0
_HINT = "It is sent again by itself."
_REFUSED = frozenset({400, 413, 415, 422})


def post(message: Message, settings: Settings) -> None:
    """Post an alarm to the web hook; its id goes along as the header ``Idempotency-Key``.

    Raises:
        PermanentFailure: No web hook is set up any more, or it refuses this message.
        Unreachable: It does not answer, or takes no messages now.
    """
    url = urlsplit(_set_up(settings.alarm_webhook, "ASSAY_ALARM_WEBHOOK"))
    path = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
    headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
    connection = _connection(url)
    try:
        connection.request("POST", path, _payload(message), headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as exc:
        raise Unreachable(
            f"{url.hostname} does not answer: {type(exc).__name__}.", hint=_HINT
        ) from None
    finally:
        connection.close()
    if status in _REFUSED:
        raise PermanentFailure(f"{url.hostname} refuses an alarm with HTTP status {status}.")
    if not 200 <= status < 300:
        raise Unreachable(f"{url.hostname} answers with HTTP status {status}.", hint=_HINT)


def publish(message: Message, settings: Settings) -> None:
    """Publish an alarm, retained and with QoS 1, and return once the broker has it.

    Raises:
        PermanentFailure: No broker is set up any more.
        Unreachable: It does not answer, or does not take the message.
    """
    url = urlsplit(_set_up(settings.alarm_mqtt, "ASSAY_ALARM_MQTT"))
    client = _mqtt_client(url, settings.mqtt_password, f"assay-{message.id}-{os.getpid()}")
    ended, taken = threading.Event(), []

    def on_connect(*given: Any) -> None:  # noqa: ANN401
        if given[3].is_failure:
            ended.set()
        else:
            client.publish(url.path.strip("/"), _payload(message), qos=1, retain=True)

    def on_publish(*given: Any) -> None:  # noqa: ANN401
        taken.append(not given[3].is_failure)
        ended.set()

    client.on_connect, client.on_publish = on_connect, on_publish
    client.on_disconnect = lambda *_: ended.set()
    try:
        client.connect(url.hostname or "", url.port or (8883 if url.scheme == "mqtts" else 1883))
    except (OSError, ValueError) as exc:
        raise Unreachable(
            f"The broker {url.hostname} does not answer: {type(exc).__name__}.", hint=_HINT
        ) from None
    client.loop_start()
    ended.wait(TIMEOUT_S)
    client.disconnect()
    client.loop_stop()
    if taken != [True]:
        raise Unreachable(f"The broker {url.hostname} does not take an alarm.", hint=_HINT)


def mail(message: Message, settings: Settings) -> None:
    """Send an alarm as a mail, whose Message-ID is the message's id.

    Raises:
        PermanentFailure: No mail server is set up, or it refuses the receiver or the message.
        Unreachable: It does not answer.
        AssayError: It does not take the mail now.
    """
    url = urlsplit(_set_up(settings.smtp, "ASSAY_SMTP"))
    try:
        with _mail_server(url, settings.smtp_password) as server:
            server.send_message(compose(message, settings))
    except smtplib.SMTPRecipientsRefused as exc:
        _refuse(url, max(code for code, _ in exc.recipients.values()))
    except smtplib.SMTPResponseException as exc:
        _refuse(url, exc.smtp_code)
    except (OSError, smtplib.SMTPException) as exc:
        raise Unreachable(
            f"The mail server {url.hostname} does not answer: {type(exc).__name__}.", hint=_HINT
        ) from None


def compose(message: Message, settings: Settings) -> EmailMessage:
    """Return the mail of an alarm: plain text."""
    body = message.body
    product = f" {body['product']}" if body["product"] else ""
    mail = EmailMessage()
    mail["Subject"] = f"Assay alarm: {body['pack']}{product}, {body['kind']}"
    mail["From"], mail["To"] = settings.smtp_sender, message.receiver
    mail["Message-ID"], mail["Date"] = f"<{message.id}@assay>", format_datetime(now())
    consequence = (
        "The certificate is suspended: nothing passes without a person until it is certified again."
        if body["is_voiding"]
        else "The certificate stands; look at the pictures on the page Monitor."
    )
    facts = f"Bundle {body['bundle']}, policy {body['policy']}, alarm {body['id']}."
    mail.set_content("\n\n".join([body["sentence"], consequence, facts]) + "\n")
    return mail


def _payload(message: Message) -> bytes:
    # The same bytes each time: a receiver may refuse one id with two bodies.
    return json.dumps({**message.body, "message": message.id}, sort_keys=True).encode()


def _set_up(value: str, variable: str) -> str:
    if not value:
        raise PermanentFailure(
            f"Nothing says where alarms go: {variable} is empty.", hint="Set it and try again."
        )
    return value


def _connection(url: SplitResult) -> HTTPConnection:
    host, port = url.hostname or "", url.port
    if url.scheme == "https":
        context = ssl.create_default_context()
        return HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)
    return HTTPConnection(host, port, timeout=TIMEOUT_S)


def _mqtt_client(url: SplitResult, password: str, client_id: str) -> Client:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )
    client.connect_timeout = TIMEOUT_S
    if url.username:
        client.username_pw_set(unquote(url.username), password or None)
    if url.scheme == "mqtts":
        client.tls_set()
    return client


def _mail_server(url: SplitResult, password: str) -> smtplib.SMTP:
    host, port = url.hostname or "", url.port or 0
    context = ssl.create_default_context()
    server: smtplib.SMTP
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    try:
        server.ehlo_or_helo_if_needed()
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=context)
        if url.username:
            server.login(unquote(url.username), password)
    except BaseException:
        server.close()
        raise
    return server


def _refuse(url: SplitResult, code: int) -> None:
    """Raise what an answer means: from 500 on it would be refused again."""
    problem = f"The mail server {url.hostname} answers with {code}."
    if code >= 500:
        raise PermanentFailure(problem, hint="Correct the address, then try the message again.")
    raise AssayError(problem, hint=_HINT)
