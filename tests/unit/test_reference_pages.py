"""The reference pages say what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from scripts import schema_page
from scripts.public_surface import surface

DOCS = Path(__file__).parents[2] / "docs"


def names(kind: str) -> set[str]:
    """The public names of a kind."""
    return {one.partition(": ")[2] for one in surface() if one.startswith(f"{kind}: ")}


def test_every_environment_variable_has_a_row() -> None:
    text = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", text, re.MULTILINE)) == names("environment variable")


def test_the_page_on_json_is_made_from_the_schema() -> None:
    """`make docs` makes it anew."""
    assert schema_page.PAGE.read_text(encoding="utf-8") == schema_page.page()


def test_every_json_property_is_on_the_page() -> None:
    text = schema_page.page()
    for name in names("JSON property"):
        if name.count(".") == 1:
            definition, _, key = name.partition(".")
            section = text.partition(f"## {definition}\n")[2].partition("\n## ")[0]
            assert f"| `{key}` |" in section, name


def test_the_python_page_has_every_name_of_the_package() -> None:
    """Those that a Pulumi program imports, and the errors as a whole."""
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    shown = {one.rpartition(".")[2] for one in re.findall(r"^::: (\S+)$", text, re.MULTILINE)}
    own = {one.rpartition(".")[2] for one in names("name") if one.count(".") == 1 and "guard." in one}
    assert own - {"__version__"} <= shown
    assert "errors" in shown


def test_the_testing_page_has_every_name_for_tests() -> None:
    text = (DOCS / "reference" / "testing.md").read_text(encoding="utf-8")
    shown = {one.rpartition(".")[2] for one in re.findall(r"^::: (\S+)$", text, re.MULTILINE)}
    own = {one.rpartition(".")[2] for one in names("name") if re.fullmatch(r"translation_job_guard\.testing\.\w+", one)}
    assert own - {"Operation"} <= shown  # the type of a parameter
