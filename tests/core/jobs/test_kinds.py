"""The kinds of job that are installed, and core's own as jobs."""

import pytest

from core.errors import ConfigError
from core.jobs import kinds
from core.jobs.use_cases import EvaluateSpec, ExportSpec, RecertifySpec, submit
from core.packs import JobKind
from core.records.job import State
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.service.training.train import TrainSpec
from core.types import Targets
from tests.core.jobs.patient import status
from tests.core.jobs.running import work_once

pytestmark = pytest.mark.slow


def test_two_that_claim_one_kind_are_refused_by_name():
    one = JobKind("weld.mail", "weld:mail")
    with pytest.raises(ConfigError, match=r"'weld\.mail' is declared by parts and by welds"):
        kinds.unite({"core": kinds.CORE, "parts": [one], "welds": [one]})
    with pytest.raises(ConfigError, match="'train' is declared by core and by welds"):
        kinds.unite({"core": kinds.CORE, "welds": [JobKind("train", "weld:train")]})


def test_a_kind_that_cannot_run_is_refused_with_all_that_is_wrong():
    with pytest.raises(ConfigError, match="no module:function; deadline_s is -1; max_tries is 0"):
        JobKind("weld.mail", "weld", -1.0, 0)


def test_every_kind_that_is_installed_imports():
    for kind in kinds.installed_kinds().values():
        assert callable(kinds.function_of(kind))


def test_core_trains_evaluates_exports_and_recertifies_as_jobs(tiny_product, tmp_path):
    settings = tiny_product.settings_at(tmp_path / "home")
    store, out = open_store(settings), tmp_path / "new-bundle"
    data = tiny_product.data
    trained = submit(store, TrainSpec("parts", data, out), "parts")
    work_once(store, settings, lanes=["train"])
    assert status(store, trained).problem == ""
    bundle = open_bundle(out, settings)
    assert status(store, trained).result["bundle"] == bundle.label
    targets = Targets(overkill=0.3)
    jobs = {
        "evaluate": submit(store, EvaluateSpec(out, data), "parts"),
        "export": submit(store, ExportSpec(out, "onnx", tmp_path / "graph.onnx"), "parts"),
        "recertify": submit(store, RecertifySpec(out, targets), "parts"),
        "refused": submit(store, TrainSpec("parts", tmp_path / "none", out), "parts"),
    }
    work_once(store, settings)
    assert status(store, jobs["evaluate"]).result["n"] == len(tiny_product.pictures("test"))
    assert (tmp_path / "graph.onnx").is_file()
    assert policy_of(bundle).targets == targets
    assert status(store, jobs["recertify"]).result["policy"] == policy_of(bundle).id
    assert status(store, jobs["refused"]).state is State.FAILED
    assert "none" in status(store, jobs["refused"]).problem
