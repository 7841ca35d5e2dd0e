"""Signatures on bundles: Ed25519 (RFC 8032) over every file and over the policies.

SHA256SUMS covers the files of a bundle; the policies, which may be added later, lie outside it and
are signed beside it, with the name of the current one.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from core.errors import BundleError, ConfigError
from core.files import create_private, sha256_of, write_atomic
from core.model.bundle.bundle import POLICIES, SIGNATURE, SUMS, verify
from core.model.bundle.destination import check_parent

_PEM = serialization.Encoding.PEM


def sign(bundle: Path, key: Path) -> Path:
    """Return the file of the public key, after signing a bundle whose hashes hold.

    Args:
        bundle: The bundle's folder.
        key: An Ed25519 private key as PEM, outside the bundle; made, readable by its owner alone,
            when missing.

    Returns:
        The file of the public key, beside the private one.

    Raises:
        BundleError: The bundle was altered.
        ConfigError: The key file holds no Ed25519 private key or cannot be made, or the file beside
            it is not its public key.
    """
    verify(bundle)
    public = key.with_suffix(".pub.pem")
    _check_key_files(bundle, key, public)
    private = _private(key)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    content = private.public_key().public_bytes(_PEM, form)
    if not public.exists():
        write_atomic(public, content)
    elif public.read_bytes() != content:
        raise ConfigError(
            f"{public} exists and is not the public key of {key}; nothing was written.",
            hint="Move that file elsewhere, or name another key.",
        )
    write_atomic(bundle / SIGNATURE, private.sign(_signed_content(bundle)))
    return public


def check_signature(bundle: Path, key: Path) -> None:
    """Check that the owner of a key signed a bundle.

    Raises:
        BundleError: There is no signature, or it is not of this key over these sums.
        ConfigError: The key file holds no Ed25519 public key.
    """
    try:
        public = serialization.load_pem_public_key(key.read_bytes())
    except (OSError, ValueError) as exc:
        raise ConfigError(f"{key} holds no public key: {exc}.", hint="Give the PEM.") from exc
    if not isinstance(public, Ed25519PublicKey):
        raise ConfigError(f"{key} is not an Ed25519 key.", hint="`assay bundle sign` makes one.")
    try:
        public.verify((bundle / SIGNATURE).read_bytes(), _signed_content(bundle))
    except (OSError, InvalidSignature) as exc:
        raise BundleError(
            f"{bundle} does not carry a signature of {key.name} over its files and policies.",
            hint="Ask for the bundle again, or for the right key; after `assay certify` sign anew.",
        ) from exc


def _check_key_files(bundle: Path, key: Path, public: Path) -> None:
    """Refuse before anything is made.

    Raises:
        ConfigError: The key lies in the bundle, there is no place for it, or it would be made
            beside a public key that cannot be its own.
    """
    if bundle.resolve() in key.resolve().parents:
        raise ConfigError(
            f"{key} lies in the bundle, which is given away; a private key is not.",
            hint="Name a file elsewhere.",
        )
    if key.exists():
        return
    if not key.absolute().parent.is_dir():
        raise ConfigError(
            f"{key} cannot be made: there is no folder {key.absolute().parent}.",
            hint="Make the folder first.",
        )
    check_parent(key)
    if public.exists():
        raise ConfigError(
            f"There is no key at {key}, and {public} exists; a new key would replace it.",
            hint="Name the private key that belongs to it, or another file.",
        )


def _signed_content(bundle: Path) -> bytes:
    """Return the sums followed by one line a file below ``policies``, in their form."""
    files = sorted(file for file in (bundle / POLICIES).rglob("*") if file.is_file())
    lines = [f"{sha256_of(file)}  {file.relative_to(bundle).as_posix()}\n" for file in files]
    return (bundle / SUMS).read_bytes() + "".join(lines).encode()


def _private(key: Path) -> Ed25519PrivateKey:
    if not key.exists():
        private = Ed25519PrivateKey.generate()
        form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        if create_private(key, private.private_bytes(_PEM, form, none)):
            return private
    try:
        loaded = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigError(f"{key} holds no private key: {exc}.", hint="Give a PEM.") from exc
    if not isinstance(loaded, Ed25519PrivateKey):
        raise ConfigError(f"{key} is not an Ed25519 key.", hint="Name a file that does not exist.")
    return loaded
