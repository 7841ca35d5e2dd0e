"""The words of the code: the field's own, one class a name, "Return" before what is returned."""

import ast
import io
import re
import subprocess
import tokenize
from collections import defaultdict
from pathlib import Path

import pytest

from tests.needed import skip_without

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).relative_to(ROOT).as_posix()
PRIVATE = re.compile(
    r"\b(said|told|strangers?|strange|hindrance|speak(ing|s)?|lopsided|halved|voices)\b", re.I
)
NO_NAMES = {
    "said", "told", "strangers", "strange", "hindrance", "speak", "voices", "several", "seen",
    "unseen", "held", "door", "doors", "error_words", "unit_words",
}  # fmt: skip
WITHOUT_VALUE = {"None", "NoReturn", "Never"}


@pytest.fixture(scope="module")
def sources():
    """Every tracked Python file but this one, as text by name."""
    skip_without((ROOT / ".git").exists(), "This is no clone: there is no .git.")
    listed = subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {
        name: (ROOT / name).read_text()
        for name in listed.stdout.splitlines()
        if name != HERE and (ROOT / name).exists()
    }


@pytest.fixture(scope="module")
def product(sources):
    return {
        name: ast.parse(text)
        for name, text in sources.items()
        if name.startswith(("core/", "domains/", "dashboard/"))
    }


def test_no_text_uses_a_private_word(sources):
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in sources.items()
        for number, line in enumerate(text.splitlines(), 1)
        if PRIVATE.search(line)
    ]
    assert found == []


def test_no_name_is_a_word_that_stands_for_many_things(sources):
    found = {
        f"{name}:{token.start[0]}: {token.string}"
        for name, text in sources.items()
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.NAME and token.string.strip("_").lower() in NO_NAMES
    }
    assert found == set()


def test_a_class_name_means_one_class(product):
    files = defaultdict(list)
    for name, tree in product.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                files[node.name].append(name)
    assert {name: found for name, found in files.items() if len(found) > 1} == {}
    assert len(files) > 300


def returns_a_value(node):
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.returns is None:
        return False
    decorators = {ast.unparse(one).rpartition(".")[2] for one in node.decorator_list}
    is_value = bool(decorators & {"property", "cached_property"})
    return not is_value and ast.unparse(node.returns) not in WITHOUT_VALUE


def test_the_docstring_of_a_function_that_returns_opens_with_return_or_yield(product):
    documented = [
        (f"{name}:{node.lineno} {node.name}", text)
        for name, tree in product.items()
        for node in ast.walk(tree)
        if returns_a_value(node) and (text := ast.get_docstring(node))
    ]
    others = [place for place, text in documented if not re.match(r"(Return|Yield)\b", text)]
    assert others == []
    assert len(documented) > 1000
