"""What a domain brings: one value of constants and pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core import logs
from core.errors import ConfigError
from core.packs.job_kind import JobKind
from core.packs.output import MessageOutput
from core.packs.subjects import Subjects
from core.types import U8, Ceiling, Description, Disposition, Frame, Prepared, Targets

VIEWS = ("identity", "mirror", "flip", "rotate180")

Read = Callable[[bytes, int, int], Frame]
Prepare = Callable[[Frame, int], Prepared]
Describe = Callable[[bytes], Description]


@dataclass(frozen=True)
class DataSet:
    """One data set that a pack can fetch or make.

    Attributes:
        name: What `assay data get NAME` takes.
        summary: One line: what the pictures show, how many, under which licence.
        get: Writes pictures and a ``manifest.csv`` into the given folder.
    """

    name: str
    summary: str
    get: Callable[[Path], None]


@dataclass(frozen=True)
class DomainPack:
    """One domain as a value: constants and pure functions, nothing to subclass.

    Attributes:
        name: Short lower-case name, the one on the command line.
        title: What the pack does, in one line.
        wording: The domain's word for each disposition.
        error_names: The domain's words for an escape and an overkill.
        unit_names: What is counted on either side, positive first: ``defective parts``.
        group_columns: Names of a table's column that says which pictures belong together, the
            most telling first; the first that a table has counts.
        subgroup_columns: Words of a picture's header by whose values error rates are shown apart;
            none that tells who somebody is.
        views: Symmetries from ``VIEWS`` under which a picture of this domain keeps its class:
            ``mirror`` swaps left and right, ``flip`` top and bottom.
        negative_labels: Labels that mean "nothing wrong", in any case, ``*`` standing for any
            text (``*_healthy``); every other label is positive.
        read: ``(bytes, max_pixels, min_side) -> Frame``; runs in a disposable process. ``min_side``
            is the smallest side in pixels that a reduced-scale decode may return.
        prepare: ``(Frame, size) -> Prepared``; runs where ``read`` runs.
        read_imports: Modules that ``read`` imports when first called: a process that reads imports
            them while it waits for its first file.
        describe: ``bytes -> Description``, what a file says of itself although its pixels do not
            read; runs where ``read`` runs, on the whole file or its beginning. None where files
            of this domain say nothing.
        targets: What `assay train` certifies unless other targets are given.
        ceiling: What the escape certificate must hold before a negative may stand without a
            person: for a review budget always, for targets in rates where a pack has stages of
            autonomy.
        data_sets: Data sets that the pack can fetch or make.
        pages: Its own Streamlit pages, the first under the pack's name; empty for the shared ones
            alone.
        reviews_on_pages: Whether the first of its pages shows what waits for a person, in place of
            the shared page of reviews.
        warm_up: Import path ``module:function`` of what the pages' server calls once, while the
            browser still loads: it starts what the first of the pack's pages would wait for, such
            as a process that reads; empty for nothing.
        demo: Import path ``module:function`` of its lane of `assay demo`, or empty.
        suffixes: Further suffixes that folders and archives are searched for, in lower case; an
            empty one stands for files without any.
        commands: Import path ``module:app`` of a Typer application, mounted as `assay NAME`.
        jobs: Kinds of work that a worker does for it; no other pack may use their names.
        outputs: Ways by which messages leave, such as one of every decision of a worker.
        priorities: What a file's ``priority`` (in capitals) adds to its place in the queue: larger
            comes first, anything else is 0.
        log_words: Further words for what happens, such as ``seam received``.
        log_fields: Further fields of events, each with the form of its values: ``number``, or a
            regular expression that no name of a person and no path matches; of ``transport`` the
            ways of its own listeners, parted by ``|``.
        after_decision: Kind of the job queued for every case on which a worker decided; empty for
            none.
        wrong_presentations: Wrong presentations of a right picture (``rotated``), each by a
            function that makes such a picture out of a prepared one, uint8 ``h w 3``; training
            learns to tell them, and they are WRONG_INPUT.
        has_unique_groups: Whether a group's name is unlike any other of the pack, as a
            StudyInstanceUID is, so that its images are one case whichever products they came for; a
            part's number is not.
        superclasses: What labels roll up to, in order: the first is that of all negative labels,
            the last that of the positive ones left over, those between match their patterns (``*``
            for any text). Empty for one superclass a side.
        subjects: What the pictures may show, where labels and products name it; None where they
            do not.
        graph: Import path of ``(Nodes, Square, size) -> Square``, which adds to an exported graph
            what ``prepare`` does beyond ``square.prepare``; empty where it does nothing more.
    """

    name: str
    title: str
    wording: Mapping[Disposition, str]
    error_names: tuple[str, str]
    negative_labels: frozenset[str]
    read: Read
    prepare: Prepare
    read_imports: tuple[str, ...] = ()
    describe: Describe | None = None
    unit_names: tuple[str, str] = ("positive groups", "negative groups")
    group_columns: tuple[str, ...] = ("group",)
    subgroup_columns: tuple[str, ...] = ("site", "camera", "view")
    views: tuple[str, ...] = ("identity",)
    targets: Targets = field(default_factory=Targets)
    ceiling: Ceiling = field(default_factory=Ceiling)
    data_sets: tuple[DataSet, ...] = ()
    pages: tuple[Path, ...] = ()
    reviews_on_pages: bool = True
    warm_up: str = ""
    demo: str = ""
    suffixes: frozenset[str] = frozenset()
    commands: str = ""
    jobs: tuple[JobKind, ...] = ()
    outputs: tuple[MessageOutput, ...] = ()
    priorities: Mapping[str, int] = field(default_factory=dict)
    log_words: frozenset[str] = frozenset()
    log_fields: Mapping[str, str] = field(default_factory=dict)
    after_decision: str = ""
    wrong_presentations: Mapping[str, Callable[[U8], U8]] = field(default_factory=dict)
    has_unique_groups: bool = False
    superclasses: Mapping[str, frozenset[str]] = field(default_factory=dict)
    subjects: Subjects | None = None
    graph: str = ""

    @property
    def has_own_review(self) -> bool:
        """Whether its cases are reviewed on a page of its own."""
        return bool(self.pages) and self.reviews_on_pages

    def __post_init__(self) -> None:
        """Refuse a pack with holes, naming all of them at once; declare what it logs.

        Its modules may so log as soon as they are imported, whoever imports them.

        Raises:
            ConfigError: A wording is missing, no label means "nothing wrong", no column names a
                group, a view is unknown, or what it logs would let any text through.
        """
        errors = [f"no wording for {d.value}" for d in Disposition if not self.wording.get(d)]
        if not self.negative_labels:
            errors.append("negative_labels is empty")
        if not self.group_columns:
            errors.append("group_columns is empty")
        if "identity" not in self.views or not set(self.views) <= set(VIEWS):
            errors.append(f"views {self.views} are not identity and others of {VIEWS}")
        if foreign := [o.name for o in self.outputs if not o.name.startswith(f"{self.name}.")]:
            errors.append(f"outputs {foreign} are not called {self.name}.SOMETHING")
        if not self.name.isidentifier() or not self.name.islower():
            errors.append(f"name {self.name!r} is not a lower-case identifier")
        try:
            logs.declare(self.log_words, self.log_fields)
        except ValueError as exc:
            errors.append(f"its log cannot be used, {exc}")
        if errors:
            raise ConfigError(
                f"The pack {self.name!r} is incomplete: {'; '.join(errors)}.",
                hint="Give DomainPack(...) every field that its docstring lists.",
            )


def superclasses_of(
    pack: DomainPack, classes: Sequence[str], positive: Sequence[bool]
) -> tuple[str, ...]:
    """Return the superclass of each class, by the pack's patterns or by its side."""
    if not pack.superclasses:
        return tuple("positive" if flag else "negative" for flag in positive)
    first, *others = pack.superclasses
    return tuple(
        next(
            (name for name in others if means_nothing_wrong(label, pack.superclasses[name])),
            others[-1],
        )
        if flag
        else first
        for label, flag in zip(classes, positive, strict=True)
    )


def means_nothing_wrong(label: str, negative: frozenset[str]) -> bool:
    """Return whether a label is one of the negative ones, ``*`` in these for any text.

    Args:
        label: A class of a data set, in any case.
        negative: ``DomainPack.negative_labels``, or what a person gave instead.
    """
    patterns = (".*".join(map(re.escape, word.casefold().split("*"))) for word in negative)
    return any(re.fullmatch(pattern, label.casefold(), re.DOTALL) for pattern in patterns)
