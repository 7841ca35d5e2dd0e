"""Everything Assay raises on purpose.

AssayError                 message says what, expected and got; ``hint`` says the way out
├── InputError             this one image cannot be assessed: caught per sample, becomes a DEFER
│   └── UnreadableImage    the bytes are no picture we accept
├── DataError              a labelled data set cannot be trained on: stops ``train``/``evaluate``
├── BundleError            a bundle is missing, altered, or made for something else: stops
│   ├── ParityError        the bundle's probe images score differently here: stops
│   └── NothingDeployed    no bundle is to judge a product yet: nothing is judged
├── ConfigError            settings, arguments or pack list are wrong (all errors at once): stops
│   └── UnknownPack        no installed pack has that name
├── PermissionDenied       a person's role does not allow what they asked for: nothing is done
├── StoreError             the store is unreachable, altered, or newer than this code: stops
├── PermanentFailure       what a job asks for is refused, now and again: the job waits for a person
└── InferenceStalled       a network call outlived its watchdog: that sample becomes DEFER/FAULT

Who catches what: ``core.pipeline`` catches per sample, the command line catches AssayError once.
"""

from __future__ import annotations


class AssayError(Exception):
    """Base of every deliberate error.

    Args:
        message: What happened, what was expected and what was found.
        hint: The way out, as a sentence a person can act on.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message followed by the way out."""
        return f"{self.message} {self.hint}".rstrip()


class InputError(AssayError):
    """One image cannot be assessed; the batch goes on."""


class UnreadableImage(InputError):
    """The bytes are not a picture that Assay accepts."""


class DataError(AssayError):
    """A labelled data set cannot be trained or evaluated on."""


class BundleError(AssayError):
    """A bundle is missing, altered, or made for another pack or backbone."""


class ParityError(BundleError):
    """A bundle's probe images score differently on this machine."""


class NothingDeployed(BundleError):
    """No bundle is deployed for a product, so nothing judges it."""


class ConfigError(AssayError):
    """Settings, arguments or the list of packs are wrong."""


class UnknownPack(ConfigError):
    """No installed pack carries the requested name."""

    def __init__(self, name: str, known: list[str]) -> None:
        listed = ", ".join(known) or "none"
        super().__init__(
            f"No pack is called {name!r}; installed packs: {listed}.",
            hint="`assay packs` lists them; install the distribution that brings the missing one.",
        )


class PermissionDenied(AssayError):
    """A person's role does not allow what they asked for."""


class StoreError(AssayError):
    """The store cannot be reached, was altered, or was written by newer code."""


class PermanentFailure(AssayError):
    """What a job asks for is refused, and would be again: it waits for a person."""


class InferenceStalled(AssayError):
    """A network call did not return within the watchdog's limit."""
