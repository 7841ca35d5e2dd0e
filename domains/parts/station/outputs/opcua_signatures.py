"""What the methods of a vision system take and give, and what its events hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asyncua import ua

TEXT, INT, UINT = ua.VariantType.String, ua.VariantType.Int32, ua.VariantType.UInt32
FLAG, WORD = ua.VariantType.Boolean, ua.VariantType.UInt16
STRUCTURE = ua.VariantType.ExtensionObject

# Each method by its object: names and types of what goes in and of what comes out.
Arguments = Sequence[tuple[str, ua.VariantType]]
_ERROR: Arguments = (("Error", INT),)
_CAUSE: Arguments = (("Cause", INT), ("CauseDescription", TEXT))
_JOB: Arguments = (
    ("MeasId", TEXT),
    ("PartId", TEXT),
    ("RecipeId", TEXT),
    ("ProductId", TEXT),
    ("Parameters", TEXT),
)
_JOB_OUT: Arguments = (("JobId", TEXT), *_ERROR)
SIGNATURES: Mapping[str, Mapping[str, tuple[Arguments, Arguments]]] = {
    "VisionStateMachine": {
        "Halt": (_CAUSE, _ERROR),
        "Reset": (_CAUSE, _ERROR),
        "SelectModeAutomatic": ((), _ERROR),
        "ConfirmAll": ((), _ERROR),
        "SimulationMode": ((("Activate", FLAG),), _ERROR),
    },
    "VisionStateMachine.AutomaticModeStateMachine": {
        "StartSingleJob": (_JOB, _JOB_OUT),
        "StartContinuous": (_JOB, _JOB_OUT),
        "Stop": (_CAUSE, _ERROR),
        "Abort": (_CAUSE, _ERROR),
        "SimulationMode": ((("Activate", FLAG),), _ERROR),
    },
    "RecipeManagement": {
        "PrepareRecipe": (
            (("ExternalId", TEXT), ("InternalIdIn", TEXT)),
            (("InternalIdOut", TEXT), ("IsCompleted", FLAG), *_ERROR),
        ),
    },
    "ResultManagement": {
        "GetResultById": (
            (("ResultId", TEXT), ("Timeout", INT)),
            (("Result", STRUCTURE), *_ERROR),
        ),
        "GetResultListFiltered": (
            (
                ("ResultState", INT),
                ("MeasId", TEXT),
                ("PartId", TEXT),
                ("ExternalRecipeId", TEXT),
                ("JobId", TEXT),
                ("MaxResults", UINT),
                ("StartIndex", UINT),
                ("Timeout", INT),
            ),
            (("IsComplete", FLAG), ("ResultCount", UINT), ("ResultList", STRUCTURE), *_ERROR),
        ),
    },
}

EVENTS: Mapping[str, Arguments] = {
    "StateChanged": (("FromState", UINT), ("ToState", UINT), ("TransitionNumber", UINT)),
    "JobStarted": (("JobId", TEXT),),
    "RecipePrepared": (("ExternalId", TEXT),),
    "Ready": (("JobId", TEXT),),
    "AcquisitionDone": (("JobId", TEXT),),
    "ResultReady": (
        ("ResultId", TEXT),
        ("JobId", TEXT),
        ("PartId", TEXT),
        ("MeasId", TEXT),
        ("ResultState", INT),
        ("ResultEvaluation", INT),
    ),
    "Error": (("CauseDescription", TEXT),),
    "ErrorResolved": (("CauseDescription", TEXT),),
}
