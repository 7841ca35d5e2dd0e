"""Handing objects to a receiver, by C-STORE or STOW-RS, and hearing whether it keeps them.

Kept is what it says so of: with success, with a warning, or because it has the object already (it
came through before, and only the word of it was lost).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from core.errors import AssayError
from core.service.delivery.results import PartResult, Unreachable
from domains.xray.answers.objects import EXPLICIT_LITTLE
from domains.xray.node.peers import Node, Peer

if TYPE_CHECKING:
    import requests
    from pydicom import Dataset
    from pynetdicom.association import Association

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
CONNECT_S, ANSWER_S = 10.0, 60.0

_DUPLICATE, _NO_SUCH_CLASS = 0x0111, 0x0122
_FAILED = "00081198"
_REASON = "00081197"
_LARGEST_BODY = 2**31 - 1
# What reading JSON or XML raises whose form is not the expected one; torn XML is a SyntaxError.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, SyntaxError)


def store_by_dimse(datasets: Sequence[Dataset], peer: Peer, node: Node) -> Iterator[PartResult]:
    """Yield what becomes of objects over one association that proposes what they need.

    Yields:
        What became of each, in order: one that is not taken holds the others up no more than one
        that is.

    Raises:
        Unreachable: The peer does not answer.
    """
    from pynetdicom import AE

    from domains.xray.node.pynetdicom_private import silence, socket_of

    silence()
    ae = AE(ae_title=node.ae_title)
    ae.connection_timeout = ae.acse_timeout = CONNECT_S
    ae.dimse_timeout = ae.network_timeout = ANSWER_S
    for sop_class in sorted({str(one.SOPClassUID) for one in datasets}):
        ae.add_requested_context(sop_class, [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
    association = ae.associate(
        peer.host,
        peer.port,
        ae_title=peer.ae_title or "",
        tls_args=(peer.tls.client(), peer.host) if peer.tls else None,
    )
    # An association in which the peer accepts no class at all is ended by pynetdicom.
    if not association.is_established and not association.rejected_contexts:
        raise delivery_error(peer, "there is no association", Unreachable)
    # pynetdicom sends without a limit: a peer that stops reading would be waited for for ever.
    connection = socket_of(association)
    if connection is not None:
        with suppress(OSError):  # closed by now: whoever took no class is hung up on by a thread
            connection.settimeout(ANSWER_S)
    try:
        for dataset in datasets:
            yield _store_one(association, dataset, peer)
    except BaseException:
        association.abort()
        raise
    if association.is_established:
        association.release()


def _store_one(association: Association, dataset: Dataset, peer: Peer) -> PartResult:
    taken = {str(context.abstract_syntax) for context in association.accepted_contexts}
    if dataset.SOPClassUID not in taken:
        return PartResult(f"it takes no {dataset.SOPClassUID.name}", is_permanent=True)
    try:
        status = association.send_c_store(dataset).get("Status")
    except (ValueError, RuntimeError) as exc:
        # Their words may quote the object.
        return PartResult(f"it hung up ({type(exc).__name__})")
    if status is None:
        raise delivery_error(peer, f"no answer within {ANSWER_S:g} s", Unreachable)
    if status in {0x0000, _DUPLICATE} or status >> 12 == 0xB:
        return PartResult()
    return PartResult(f"it answered with status {status:04X}", status == _NO_SUCH_CLASS)


def store_by_stow(datasets: Sequence[Dataset], peer: Peer) -> Iterator[PartResult]:
    """Yield what becomes of objects by STOW-RS (PS3.18 section 10.5), one a request.

    A server may refuse a request as a whole for one object in it.

    Yields:
        What became of each, in order.

    Raises:
        Unreachable: The peer does not answer.
        ConfigError: The token for it is not set.
    """
    import requests
    from dicomweb_client.api import DICOMwebClient

    answers: list[requests.Response] = []

    def keep(response: requests.Response, **_how_it_was_asked: object) -> None:
        answers.append(response)

    with _session(peer) as session:
        client = DICOMwebClient(
            peer.url,
            session=session,
            headers={"Accept": "application/dicom+json"},
            callback=keep,
            # One piece: a body in chunks is made once, and a second try would send its rest.
            chunk_size=_LARGEST_BODY,
            timeout=(CONNECT_S, ANSWER_S),
        )
        client.set_http_retry_params(retry=False)
        for dataset in datasets:
            answers.clear()
            try:
                client.store_instances([dataset])
            except (requests.RequestException, *_UNREADABLE) as exc:
                # With an answer it is the answer that counts, however the client reads it.
                if not answers:
                    raise delivery_error(peer, type(exc).__name__, Unreachable) from None
            yield _result_of(answers[-1])


def require_kept(results: Iterable[PartResult], peer: Peer) -> None:
    """Take the results as they come.

    Raises:
        AssayError: The peer does not keep one of the objects.
    """
    for result in results:
        if result.problem:
            raise delivery_error(peer, result.problem)


def _session(peer: Peer) -> requests.Session:
    import requests

    session = requests.Session()
    # A proxy or a password of the environment is not meant for patients' data.
    session.trust_env = False
    # What is sent on to elsewhere was not kept here; a POST would become a GET on the way.
    session.max_redirects = 0
    if peer.token:
        session.headers["Authorization"] = f"Bearer {peer.token}"
    if peer.tls and peer.tls.ca:
        session.verify = str(peer.tls.ca)
    if peer.tls and peer.tls.certificate:
        session.cert = (str(peer.tls.certificate), str(peer.tls.key))
    return session


def _result_of(answer: requests.Response) -> PartResult:
    """Return what the answer to a request with one object says."""
    status = answer.status_code
    if status not in {200, 202, 409}:
        return PartResult(f"it answered with HTTP status {status}")
    try:
        failures = _failures(answer.json()) if answer.content else []
    except (OSError, RuntimeError, *_UNREADABLE):
        is_kept = _is_all_kept(answer)
        return PartResult("" if is_kept else f"it answered HTTP status {status} in a form unknown")
    reasons = sorted(set(failures) - {_DUPLICATE})
    if reasons:
        shown = ", ".join(f"{one:04X}" for one in reasons)
        return PartResult(f"it refused with reason {shown}", reasons == [_NO_SUCH_CLASS])
    return PartResult("it refused without a reason" if status == 409 and not failures else "")


def _is_all_kept(answer: requests.Response) -> bool:
    """Return whether an answer in DICOM's XML names no failure; a page to log in is none."""
    xml = "dicom+xml" in answer.headers.get("Content-Type", "")
    return answer.status_code == 200 and xml and _FAILED not in answer.text


def _failures(body: Any) -> list[int]:  # noqa: ANN401
    """Return the failure reasons in a DICOM JSON store response (PS3.18 table 10.5.3-2)."""
    responses = body if isinstance(body, list) else [body]
    return [
        int(item[_REASON]["Value"][0])
        for response in responses
        for item in response.get(_FAILED, {}).get("Value", [])
    ]


def delivery_error(peer: Peer, why: str, kind: type[AssayError] = AssayError) -> AssayError:
    """Return that a receiver did not keep an object, without a word of the object."""
    return kind(
        f"The results were not delivered to the peer {peer.name}: {why}.",
        hint="They are kept and sent again; check that the peer runs and takes results from here.",
    )
