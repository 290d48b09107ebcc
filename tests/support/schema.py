"""JSON output against the schema that the package publishes."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator


def validate(document: Any, kind: str) -> None:
    """Raise jsonschema.ValidationError unless `document` is what the schema calls `kind`."""
    schema = json.loads(files("translation_job_guard").joinpath("schemas/output-1.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    # By its own definition: a failure against the whole "oneOf" would name no field.
    validator = Draft202012Validator(
        {"$ref": f"#/$defs/{kind}", "$defs": schema["$defs"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    validator.validate(document)
    assert {"$ref": f"#/$defs/{kind}"} in schema["oneOf"]
