"""The documentation's page on JSON output, made from the published schema."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "json.md"
SCHEMA = ROOT / "translation_job_guard" / "schemas" / "output-1.schema.json"


def page() -> str:
    """Return the page, in Markdown: each kind of document, then what they are made of."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    definitions = schema["$defs"]
    documents = [_name(one["$ref"]) for one in schema["oneOf"]]
    parts = [name for name in definitions if name not in documents]
    listed = ", ".join(f"[`{name}`](#{name.lower()})" for name in documents)
    return "\n".join(
        [
            "# JSON output",
            "",
            "<!-- Made from the schema by `make docs`; a test holds it to it. -->",
            "",
            f"What `--output json` and receipts write: {listed}. The",
            f"[schema](../../{SCHEMA.relative_to(ROOT)}) comes with the package, in `translation_job_guard/schemas`.",
            "[Versioning](../versioning.md) says what may change: ignore properties that you do not know.",
            "",
            *_sections(definitions, documents),
            "# Parts",
            "",
            *_sections(definitions, parts),
        ]
    ).replace("\n# Parts\n", "\n## Parts\n\nWhat the documents above are made of.\n")


def _sections(definitions: dict[str, Any], names: Iterable[str]) -> Iterable[str]:
    for name in names:
        definition = definitions[name]
        yield from (f"## {name}", "")
        if text := definition.get("description"):
            yield from (text, "")
        if "enum" in definition:
            yield from ("One of " + ", ".join(f"`{value}`" for value in definition["enum"]) + ".", "")
        if properties := definition.get("properties"):
            required = definition.get("required", [])
            yield from ("| property | type | always there | what it is |", "|---|---|---|---|")
            for key, one in properties.items():
                always = "yes" if key in required else "no"
                yield f"| `{key}` | {_type(one)} | {always} | {_text(one.get('description', ''))} |"
            yield ""


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = _name(schema["$ref"])
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return " or ".join(_type(one) for one in schema[word])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    names = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{names} ({schema['format']})" if "format" in schema else names


def _text(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
