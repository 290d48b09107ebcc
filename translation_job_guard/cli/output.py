"""Show a result in the formats and at the places that ``--output`` asks for."""

from __future__ import annotations

import enum
import io
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from translation_job_guard.cli.options import OutputOptions
from translation_job_guard.cli.results import Result
from translation_job_guard.cli.streams import abandon_stdout, write_out
from translation_job_guard.errors import InvalidArgument
from translation_job_guard.presentation import cleaned, plain
from translation_job_guard.receipts import write_file
from translation_job_guard.redaction import redactor

__all__ = ["Format", "Sink", "emit", "prepare"]


class Format(enum.Enum):
    """How a result is shown."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


@dataclass(frozen=True)
class Sink:
    """One format and where it goes; ``path`` None is standard output."""

    format: Format
    path: Path | None = None


def prepare(options: OutputOptions) -> list[Sink]:
    """Return where the output goes, before anything is looked at; standard output has a table unless it has another.

    Raises:
        InvalidArgument: a format does not exist, or two would go to standard output.
    """
    found = [_sink(value) for value in options.output]
    on_stdout = [sink for sink in found if sink.path is None]
    if len(on_stdout) > 1:
        raise InvalidArgument("--output: only one format can go to standard output; write the others as FORMAT=FILE.")
    if options.verbose:
        from translation_job_guard.cli.verbose import show_requests

        show_requests()
    return found if on_stdout else [Sink(Format.TABLE), *found]


def _sink(value: str) -> Sink:
    name, equals, where = value.partition("=")
    try:
        format_ = Format(name.strip().lower())
    except ValueError:
        raise InvalidArgument(
            f"--output: {name!r} is not a valid format; expected one of {', '.join(one.value for one in Format)}."
        ) from None
    if equals and not where:
        raise InvalidArgument(f"--output {name}=: the name of the file is missing; expected FORMAT=FILE.")
    return Sink(format_, Path(where) if where and where != "-" else None)


def emit(result: Result, to: Sequence[Sink], key_envs: Iterable[str | None] = ()) -> int:
    """Write a result to every sink, without the secrets of this environment.

    Args:
        result: what a command has found.
        to: the sinks, as ``prepare`` returned them.
        key_envs: environment variables whose values are secrets.

    Returns:
        The exit code.

    Raises:
        InvalidArgument: a file cannot be written.
    """
    clean = redactor(*key_envs)
    for sink in to:
        if sink.path is None:
            _encode_leniently(sink.format)
        if sink.path is None and sink.format is Format.TABLE:
            from translation_job_guard.cli.table import print_page

            try:
                print_page(cleaned(result.page(), clean))
            except BrokenPipeError:
                abandon_stdout()
            continue
        text = _rendered(result, sink.format, clean)
        if sink.path is None:
            write_out(text)
            continue
        try:
            write_file(sink.path, text)
        except OSError as error:
            raise InvalidArgument(f"--output: {sink.path} cannot be written: {error.strerror or error}.") from error
    return result.exit_code


def _encode_leniently(format_: Format) -> None:
    """Escape what standard output cannot encode: a character must not turn a finished command into a failure."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="xmlcharrefreplace" if format_ is Format.HTML else "backslashreplace")


def _is_unicode(encoding: str | None) -> bool:
    return (encoding or "utf-8").lower().startswith("utf")


def _rendered(result: Result, format_: Format, clean: Callable[[str], str]) -> str:
    if format_ is Format.JSON:
        # Where a character cannot be encoded, only JSON's own escapes keep it valid JSON.
        ascii_only = not _is_unicode(sys.stdout.encoding)
        return json.dumps(cleaned(plain(result.document()), clean), indent=2, ensure_ascii=ascii_only) + "\n"
    page = cleaned(result.page(), clean)
    if format_ is Format.MARKDOWN:
        from translation_job_guard.presentation.markdown import markdown

        return markdown(page)
    if format_ is Format.HTML:
        from translation_job_guard.presentation.html import html

        return html(page)
    from translation_job_guard.cli.table import text_of_page

    return text_of_page(page)
