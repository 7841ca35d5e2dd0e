"""Policies whose certificate an alarm has voided: they do not come back."""

from __future__ import annotations

from sqlalchemy import Connection, select

from core.errors import ConfigError
from core.records.deployment import Deployment
from core.records.tables import ALARMS


def refuse_voided(connection: Connection, new: Deployment) -> None:
    """Refuse to deploy a policy whose certificate an alarm has voided for the product.

    Whatever is certified on what was learnt since is another policy, with an id of its own.

    Args:
        connection: An open one.
        new: The deployment that is about to be written.

    Raises:
        ConfigError: As above.
    """
    voiding = select(ALARMS.c.sentence).where(
        ALARMS.c.pack == new.pack,
        ALARMS.c.product.in_({"", new.product}),
        ALARMS.c.bundle_sha256 == new.bundle_sha256,
        ALARMS.c.policy_id == new.policy_id,
        ALARMS.c.deployment_id != "",
    )
    last = connection.execute(voiding.order_by(ALARMS.c.number.desc()).limit(1)).first()
    if last is not None:
        raise ConfigError(
            f"An alarm has voided the certificate of the policy {new.policy_id}. {last.sentence}",
            hint="Certify again on the cases reviewed since, propose that policy and release it.",
        )
