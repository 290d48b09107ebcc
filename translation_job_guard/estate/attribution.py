"""Tell from tags to which stack a job most likely belonged, also where that stack is gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from translation_job_guard.estate.azure import TranslatorAccount
from translation_job_guard.jobs import Job
from translation_job_guard.looking import Sight, Sign
from translation_job_guard.state import ExportedStack

__all__ = ["by_tags", "signs_of"]

STACK_KEYS: Final = ("pulumi:stack", "pulumi-stack", "stack", "stack-name", "stackname")
"""Keys of tags whose value names a stack, the surest first; in lower case."""
ENVIRONMENT_KEYS: Final = ("environment", "env")
"""Keys whose value is often a stack's name: they count only where a live stack has that name."""
PROJECT_KEYS: Final = ("pulumi:project", "pulumi-project", "project")


def signs_of(job: Job, sight: Sight) -> list[Sign]:
    """Return the tags of what a job needs: its role and buckets, or the Translator account that it runs on."""
    found = list(sight.signs.get(job.id, ()))
    connection = sight.connection
    if isinstance(connection, TranslatorAccount):
        found += [Sign("Translator resource", key, value) for key, value in connection.tags.items()]
    return found


def by_tags(signs: Sequence[Sign], stacks: Iterable[ExportedStack]) -> tuple[str, str] | None:
    """Return the label of a stack and why it is likely; None if no tag names one.

    Args:
        signs: the tags of what the job needs.
        stacks: the stacks that live.
    """
    live = list(stacks)
    for key in (*STACK_KEYS, *ENVIRONMENT_KEYS):
        for sign in (one for one in signs if one.key.lower() == key and one.value.strip()):
            project = next((one.value for one in signs if one.what == sign.what and _names_project(one)), "")
            matching = [one for one in live if _is(one, sign.value, project)]
            says = f"the tag {sign.key} of its {sign.what} names it"
            if len(matching) == 1:
                return matching[0].label, says
            if not matching and key in STACK_KEYS:
                return _label(sign.value, project), f"{says}, and no stack that was read has this name"
    return None


def _names_project(sign: Sign) -> bool:
    return sign.key.lower() in PROJECT_KEYS


def _is(stack: ExportedStack, value: str, project: str) -> bool:
    # A tag may have a stack's full name: organization, project and stack.
    *before, name = value.split("/")
    wanted = before[-1] if before else project
    return stack.name == name and wanted in ("", stack.project)


def _label(value: str, project: str) -> str:
    *before, name = value.split("/")
    return "/".join([before[-1] if before else project, name]) if before or project else name
