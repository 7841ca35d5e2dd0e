"""Asking a peer whether it is there."""

from __future__ import annotations

import time

from core.errors import AssayError, ConfigError
from domains.xray.node.peers import Peer
from domains.xray.node.sop_classes import VERIFICATION

_WAIT_S = 10.0


def verify(peer: Peer, ae_title: str) -> float:
    """Return the milliseconds that a C-ECHO took, association included.

    Raises:
        ConfigError: The peer has no port for associations.
        AssayError: It does not answer as it should.
    """
    from pynetdicom import AE

    if peer.protocol != "dimse" or not peer.port:
        raise ConfigError(
            f"The peer {peer.name} has no port for associations.", hint="Give it one: port = 104."
        )
    ae = AE(ae_title)
    ae.connection_timeout = ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = _WAIT_S
    ae.add_requested_context(VERIFICATION)
    begun = time.monotonic()
    association = ae.associate(
        peer.host,
        peer.port,
        ae_title=peer.ae_title or "",
        tls_args=(peer.tls.client(), peer.host) if peer.tls else None,
    )
    if not association.is_established:
        refused = "refuses the association" if association.is_rejected else "cannot be reached"
        raise AssayError(
            f"The peer {peer.name} {refused}.",
            hint="Check host, port, both AE titles and TLS on either side.",
        )
    try:
        status = association.send_c_echo().get("Status")
    finally:
        association.release()
    if status != 0:
        raise AssayError(f"The peer {peer.name} did not answer.", hint="Look at its log.")
    return 1000 * (time.monotonic() - begun)
