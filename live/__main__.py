"""Looks at what a real service does. `python -m live --help` tells the rest."""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import signal
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType

from live.amazon import AmazonCheck
from live.azure import AzureCheck
from live.check import Check, CheckFailed, Clock
from live.facts import table
from stacks.workspace import EngineFailed, EngineMissing, find_engine
from translation_job_guard import __version__

CHECKS: dict[str, type[Check]] = {"amazon": AmazonCheck, "azure": AzureCheck}


def main(arguments: Sequence[str] | None = None, clock: Clock | None = None) -> int:
    """Return 0 if all was seen and cleaned up, 1 if something failed or is left, 2 for options that cannot be."""
    given = _parser().parse_args(arguments)
    kind = CHECKS[given.service]
    if problems := kind.problems(given):
        return _refuse(*problems)
    try:
        if given.stack:
            find_engine()
        check = kind(given, clock or Clock())
        plan = check.prepare()
    except EngineMissing as error:
        return _refuse(f"{error} Or leave the guarded stack out with --no-stack.")
    except CheckFailed as error:
        return _refuse(str(error))
    print("\n".join(plan))
    print(f"Result: a transcript and a table in {given.output_dir}, without keys, accounts, hosts or documents.")
    if not (given.yes or _agreed()):
        print("Nothing was started.")
        return 2
    return _run(check, given)


def _run(check: Check, given: argparse.Namespace) -> int:
    before, failure = signal.signal(signal.SIGTERM, _end), ""
    try:
        check.run()
        if given.stack:
            check.guarded_stack()
    except (CheckFailed, EngineFailed) as error:
        failure = str(error)
    except KeyboardInterrupt:
        failure = "It was interrupted."
    except Exception as error:  # what was seen until then is worth having, and jobs are to be stopped
        failure = f"It failed: {type(error).__name__}: {error}"
    finally:
        print("Cleaning up: stopping what this run started and has not ended …", flush=True)
        left = check.clean_up()
        paths = _write(check, given)
        signal.signal(signal.SIGTERM, before)
    print(paths[1].read_text(encoding="utf-8"))
    print(f"Written: {paths[0]} and {paths[1]}")
    print(f"Started: {len(check.started)} jobs, {len(check.started) - len(left)} of them have ended.", *left, sep="\n")
    if failure:
        print(failure, file=sys.stderr)
    return 1 if failure or left else 0


def _write(check: Check, given: argparse.Namespace) -> tuple[Path, Path]:
    check.transcript.about |= {"date": f"{datetime.now(timezone.utc):%Y-%m-%d}", "guard": __version__}
    check.transcript.about["python"] = platform.python_version()
    document = check.transcript.document()
    folder = Path(given.output_dir)
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"{check.service}.json", folder / f"{check.service}.md"
    paths[0].write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    paths[1].write_text(table(document), encoding="utf-8")
    return paths


def _agreed() -> bool:
    with contextlib.suppress(EOFError):
        return input("Start? [y/N] ").strip().lower() in ("y", "yes")
    return False


def _refuse(*problems: str) -> int:
    print("\n".join(problems), "Nothing was started.", sep="\n", file=sys.stderr)
    return 2


def _end(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m live", description="See what a real service does; asks first.")
    services = parser.add_subparsers(dest="service", required=True)
    amazon = services.add_parser("amazon", help="Amazon Translate in an account and region")
    amazon.add_argument("--region")
    amazon.add_argument("--input", metavar="S3_URI", help="folder with one or two small .txt files")
    amazon.add_argument("--output", metavar="S3_URI", help="folder to write to")
    amazon.add_argument("--role", metavar="ARN", help="role that Amazon Translate assumes to read and write them")
    azure = services.add_parser("azure", help="Azure Document Translation of a Translator resource")
    azure.add_argument("--endpoint", metavar="URL")
    azure.add_argument(
        "--source", metavar="URL", help="container, or folder in it, with three to five small .txt files"
    )
    azure.add_argument("--target", metavar="URL", help="another container, or folder in it")
    azure.add_argument("--key-env", default="AZURE_DOCUMENT_TRANSLATION_KEY", help="variable with the key, if any")
    azure.add_argument("--api-version", default="2024-05-01")
    for service in (amazon, azure):
        service.add_argument("--no-stack", dest="stack", action="store_false", help="leave out the guarded stack")
        service.add_argument("--yes", action="store_true", help="do not ask")
        service.add_argument("--output-dir", default="build/live-check", metavar="FOLDER")
        service.add_argument("--patience", type=float, default=1200, metavar="SECONDS", help="for each state")
        service.add_argument("--interval", type=float, default=10, metavar="SECONDS", help="longest between two looks")
    return parser


if __name__ == "__main__":
    sys.exit(main())
