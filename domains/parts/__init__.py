"""Manufactured parts on a line: pass, fail, or a person looks."""

from pathlib import Path

from core.imaging.decode import decode
from core.imaging.square import prepare
from core.packs import DataSet, DomainPack, JobKind, MessageOutput
from core.types import Disposition


def _get_elpv(folder: Path) -> None:
    # Imported late: a decoder process loads this pack and needs none of it.
    from domains.parts import elpv

    elpv.get(folder)


_PAGES = Path(__file__).parent / "pages"

# What a station sends itself in time does not come to these; and a line may be off for weeks.
_STATION_OUTPUTS = tuple(
    MessageOutput(
        f"parts.{name}",
        f"domains.parts.station.outputs.outbox:send_{name}",
        needs_decisions=False,
        max_tries=None,
    )
    for name in ("mqtt", "webhook", "csv")
)

# Both in the lane of all training: beside a line nothing takes the processor from verdicts.
_LEARNING = (
    JobKind("parts.look", "domains.parts.station.learning.jobs:look", 900.0, 2, "train"),
    JobKind("parts.learn", "domains.parts.station.learning.jobs:learn_asked", 7200.0, 2, "train"),
)

pack = DomainPack(
    name="parts",
    title="Pass or fail of manufactured parts, with certified escape and overkill rates.",
    wording={
        Disposition.NEGATIVE: "PASS",
        Disposition.POSITIVE: "FAIL",
        Disposition.DEFER: "REVIEW",
    },
    error_names=("escape", "overkill"),
    unit_names=("defective parts", "good parts"),
    negative_labels=frozenset(
        {"good", "ok", "pass", "passed", "none", "normal", "functional", "negative", "no_defect"}
    ),
    group_columns=("group", "part", "serial"),
    outputs=_STATION_OUTPUTS,
    jobs=_LEARNING,
    views=("identity", "rotate180"),
    read=decode,
    prepare=prepare,
    data_sets=(
        DataSet(
            "elpv",
            "2,624 solar cells, electroluminescence, functional or defective; CC BY-NC-SA 4.0",
            _get_elpv,
        ),
    ),
    demo="domains.parts.demo:run",
    pages=(_PAGES / "board.py", _PAGES / "learn.py", _PAGES / "verify.py"),
    reviews_on_pages=False,
    commands="domains.parts.commands:app",
)
