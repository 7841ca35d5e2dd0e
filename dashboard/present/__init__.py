"""Text, numbers and keys of what is shown, worked out from stored values, without a screen."""

from dashboard.present.agreement import (
    Agreement,
    VerdictCounts,
    compare_reviews,
    count_verdicts,
    describe_agreement,
    describe_counted,
    describe_unreviewed_negatives,
)
from dashboard.present.case_lines import (
    AGES,
    COLUMNS,
    STATES,
    age_choice,
    case_lines,
    describe_matches,
    reason_text,
    verdict_choice,
)
from dashboard.present.cases import (
    describe_image,
    is_blind,
    make_view_id,
    name_case,
    select_image,
    sort_worst_first,
)
from dashboard.present.escaping import display_name, escape_markdown
from dashboard.present.marks import VerdictMark, verdict_mark
from dashboard.present.progress import (
    describe_empty_queue,
    describe_progress,
    describe_reviewed,
    label_automation,
)
from dashboard.present.verdicts import (
    BLIND_NOTE,
    LIKELY,
    assign_verdict_keys,
    describe_heat_map,
    describe_undo,
    explain_verdict,
    format_probability,
    rank_labels,
    summarize_verdict,
)

__all__ = [
    "AGES",
    "BLIND_NOTE",
    "COLUMNS",
    "LIKELY",
    "STATES",
    "Agreement",
    "VerdictCounts",
    "VerdictMark",
    "age_choice",
    "assign_verdict_keys",
    "case_lines",
    "compare_reviews",
    "count_verdicts",
    "describe_agreement",
    "describe_counted",
    "describe_empty_queue",
    "describe_heat_map",
    "describe_image",
    "describe_matches",
    "describe_progress",
    "describe_reviewed",
    "describe_undo",
    "describe_unreviewed_negatives",
    "display_name",
    "escape_markdown",
    "explain_verdict",
    "format_probability",
    "is_blind",
    "label_automation",
    "make_view_id",
    "name_case",
    "rank_labels",
    "reason_text",
    "select_image",
    "sort_worst_first",
    "summarize_verdict",
    "verdict_choice",
    "verdict_mark",
]
