"""What of a check leaves the machine that it was made on."""

import json

from core.checking.result import Alarm, CheckReport, Level


def test_a_report_without_paths_keeps_all_but_the_lists_of_files():
    figures = {"sets": 1, "pictures": 2, "files": [["/home/eva/a.jpg", "/home/eva/b.jpg"]]}
    made = CheckReport(2, 2, (Alarm("leak", Level.STRONG, "One set.", figures),), {})
    shared = made.without_paths()
    assert "/home/eva" not in json.dumps(shared.to_json(), default=str)
    assert shared.alarms[0].figures == {"sets": 1, "pictures": 2}
    assert made.alarms[0].figures == figures
