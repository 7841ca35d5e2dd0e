"""The tables at rest: append-only, but for jobs, claims, what a person has in hand, and caches.

Times are UTC ISO text with microseconds, so that both engines sort and return the same.
"""

from __future__ import annotations

from sqlalchemy import Table

from core.records.case_tables import (
    AuditCaseRow,
    AuditEventRow,
    CaseFacetsRow,
    CaseRow,
    CaseStatusRow,
    DecisionRow,
    HeaderRow,
    ImageRow,
    ReinstatementRow,
    ReviewRow,
)
from core.records.copy_tables import ComparedPicturesRow, PictureOriginRow
from core.records.in_hand_tables import KeptAnswerRow, SkippedCaseRow
from core.records.monitor_tables import (
    AlarmNoteRow,
    AlarmRow,
    MonitorStateRow,
    ObservationRow,
)
from core.records.people_tables import EndedSessionRow, RoleGrantRow
from core.records.preference_tables import PreferenceRow
from core.records.read_tables import (
    CaseReadRow,
    GoldAnswerRow,
    ReadClaimRow,
    ReadDrawRow,
    ReadPlanRow,
    ReadStatusRow,
)
from core.records.table_base import RowLike, TableRow
from core.records.view_tables import ViewEventRow
from core.records.work_tables import (
    DeploymentRow,
    JobRow,
    OutboxRow,
    ProposalOutcomeRow,
    ProposalRow,
    ReceiptRow,
    ResolutionRow,
    SeriesRow,
    TakenPartRow,
)

__all__ = ["SCHEMA", "RowLike", "TableRow"]

SCHEMA = "r0015"


def _table(row: type[TableRow]) -> Table:
    return row.metadata.tables[str(row.__tablename__)]


CASES = _table(CaseRow)
IMAGES = _table(ImageRow)
DECISIONS = _table(DecisionRow)
REINSTATEMENTS = _table(ReinstatementRow)
REVIEWS = _table(ReviewRow)
AUDIT_EVENTS = _table(AuditEventRow)
AUDIT_CASES = _table(AuditCaseRow)
CASE_STATUS = _table(CaseStatusRow)
CASE_FACETS = _table(CaseFacetsRow)
HEADERS = _table(HeaderRow)
RECEIPTS = _table(ReceiptRow)
RESOLUTIONS = _table(ResolutionRow)
DEPLOYMENTS = _table(DeploymentRow)
ROLE_GRANTS = _table(RoleGrantRow)
ENDED_SESSIONS = _table(EndedSessionRow)
PROPOSALS = _table(ProposalRow)
PROPOSAL_OUTCOMES = _table(ProposalOutcomeRow)
PACK_ROWS = _table(SeriesRow)
PREFERENCES = _table(PreferenceRow)
VIEW_EVENTS = _table(ViewEventRow)
JOBS = _table(JobRow)
OUTBOX = _table(OutboxRow)
TAKEN_PARTS = _table(TakenPartRow)
READ_PLANS = _table(ReadPlanRow)
READ_DRAWS = _table(ReadDrawRow)
CASE_READS = _table(CaseReadRow)
GOLD_ANSWERS = _table(GoldAnswerRow)
READ_STATUS = _table(ReadStatusRow)
READ_CLAIMS = _table(ReadClaimRow)
SKIPPED_CASES = _table(SkippedCaseRow)
KEPT_ANSWERS = _table(KeptAnswerRow)
OBSERVATIONS = _table(ObservationRow)
ALARMS = _table(AlarmRow)
ALARM_NOTES = _table(AlarmNoteRow)
MONITOR_STATES = _table(MonitorStateRow)
PICTURE_ORIGINS = _table(PictureOriginRow)
COMPARED_PICTURES = _table(ComparedPicturesRow)
