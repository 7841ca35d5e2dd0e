"""Import what commands and dashboards import, before they are forked; see ``tests.forked``."""

import onnxruntime  # noqa: F401
import streamlit.web.cli  # noqa: F401

import core.service.assessment.recording
import core.service.evaluation.evaluate
import core.service.store
import core.service.training.train  # noqa: F401
from dashboard.first_page import import_pages

import_pages()
