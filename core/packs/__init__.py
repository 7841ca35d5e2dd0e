"""Domain packs: what a domain declares, and which are installed."""

from core.packs.discovery import (
    GROUP,
    commands_of,
    data_set,
    demos,
    entries,
    entry_of,
    graph_of,
    import_path,
    installed,
    load,
    load_to_read,
    output_named,
    pack_named,
    priorities_of,
)
from core.packs.domain_pack import (
    VIEWS,
    DataSet,
    Describe,
    DomainPack,
    Prepare,
    Read,
    means_nothing_wrong,
    superclasses_of,
)
from core.packs.job_kind import JobKind
from core.packs.output import MessageOutput
from core.packs.subjects import Subjects

__all__ = [
    "GROUP",
    "VIEWS",
    "DataSet",
    "Describe",
    "DomainPack",
    "JobKind",
    "MessageOutput",
    "Prepare",
    "Read",
    "Subjects",
    "commands_of",
    "data_set",
    "demos",
    "entries",
    "entry_of",
    "graph_of",
    "import_path",
    "installed",
    "load",
    "load_to_read",
    "means_nothing_wrong",
    "output_named",
    "pack_named",
    "priorities_of",
    "superclasses_of",
]
