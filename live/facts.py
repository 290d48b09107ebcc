"""The facts that a transcript shows, and the table of them. Only the sanitised transcript is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from live.check import ENDED
from live.transcript import Step, instant

Exchange = dict[str, Any]
NOT_OBSERVED = "not observed"
CACHED_STEPS = {step.value for step in Step if step.name.startswith("CACHED_")}


@dataclass(frozen=True)
class Fact:
    question: str
    observed: str


def facts(document: dict[str, Any]) -> list[Fact]:
    """Return what the transcript says of each question, also of those that it leaves open."""
    seen = _Seen(document)
    asked = AMAZON if document["service"] == "amazon-translate" else AZURE
    return [Fact(question, _try(answer, seen)) for question, answer in (*asked.items(), *BOTH.items())]


def table(document: dict[str, Any]) -> str:
    """Return the facts in Markdown."""
    about = ", ".join(f"{name} {document[name]}" for name in document if isinstance(document[name], str))
    rows = [f"| {fact.question} | {fact.observed.replace('|', '/')} |" for fact in facts(document)]
    return "\n".join([f"# Observed: {about}", "", "| question | observed |", "|---|---|", *rows, ""])


def _try(answer: Callable[[_Seen], str], seen: _Seen) -> str:
    try:
        return answer(seen) or NOT_OBSERVED
    except (AttributeError, LookupError, TypeError, ValueError):
        return f"{NOT_OBSERVED}: answers are not as this release expects them, see the transcript"


class _Seen:
    """The exchanges, by what they were there to show."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.all: list[Exchange] = [{**one, "number": n} for n, one in enumerate(document["exchanges"])]
        self.stack: dict[str, Any] = document["stack"]

    def of(self, *steps: Step, ask: str = "") -> list[Exchange]:
        """Return the exchanges of some steps; `ask` is a part of the operation or method."""
        wanted = {step.value for step in steps}
        return [one for one in self.all if one["step"] in wanted and ask in _verb(one)]

    def stop(self, step: Step, name: str, before: Collection[str], follow: bool) -> str:
        """Return the answer to a stop request for a job in a state of `before`; with `follow`, the later states too."""
        request = next(iter(self.of(step, ask="Stop") + self.of(step, ask="DELETE")), None)
        if request is None:
            return ""
        states = [(one["number"] < request["number"], one["at"], state) for one, state in self.states(name)]
        earlier = [state for is_before, _, state in states if is_before]
        if before and (not earlier or earlier[-1] not in before):
            return f"{NOT_OBSERVED}: it was {earlier[-1] if earlier else 'not seen'}"
        answered = (f"{earlier[-1]}: " if earlier else "") + _answer(request)
        later = [(at, state) for is_before, at, state in states if not is_before]
        changes = [later[0], *(two for one, two in pairwise(later) if one[1] != two[1])] if later and follow else []
        return "; then ".join([answered, *(f"{state} after {at - request['at']:.1f} s" for at, state in changes)])

    def states(self, name: str) -> list[tuple[Exchange, str]]:
        """Return the fresh answers that showed a job, with its state in each."""
        return [
            (one, str(entry.get("status") or entry.get("JobStatus")))
            for one in self.all
            if _verb(one).startswith(("GET", "Describe", "List"))
            and one["step"] not in CACHED_STEPS
            and "age" not in one["headers"]
            for entry in _entries(one)
            if name in (entry.get("id"), entry.get("JobId"))
        ]


def _verb(one: Exchange) -> str:
    request = one["request"]
    return str(request.get("operation") or request["method"])


def _entries(one: Exchange) -> list[dict[str, Any]]:
    body = one["body"] or {}
    inner = body.get("TextTranslationJobProperties")
    many = body.get("value", body.get("TextTranslationJobPropertiesList"))
    found = many if many is not None else [inner or body]
    return [entry for entry in found if entry]


def _answer(one: Exchange) -> str:
    body = one["body"] or {}
    error = body.get("error") or {}
    inner = (error.get("innerError") or {}).get("code")
    words = [body.get("status"), body.get("JobStatus"), body.get("__type"), error.get("code"), inner]
    message = error.get("message") or body.get("Message") or body.get("message")
    said = [str(word) for word in words if word] + ([f'"{message}"'] if message else [])
    return " ".join([str(one["status"]), *said])


def _order(one: Exchange) -> str:
    times: list[float] = []
    for entry in _entries(one):
        if created := entry.get("createdDateTimeUtc"):
            times.append(instant(created).timestamp())
        elif submitted := entry.get("SubmittedTime"):
            times.append(float(submitted))
    if one["status"] != 200 or len(set(times)) < 2:
        return _answer(one) if one["status"] != 200 else ""
    if times == sorted(times):
        return "oldest first"
    return "newest first" if times == sorted(times, reverse=True) else "neither newest nor oldest first"


def _ordered(step: Step) -> Callable[[_Seen], str]:
    return lambda seen: next((_order(one) for one in seen.of(step, ask="GET") + seen.of(step, ask="List")), "")


def _stopped(step: Step, name: str, *before: str, follow: bool = False) -> Callable[[_Seen], str]:
    return lambda seen: seen.stop(step, name, before, follow)


# Amazon Translate


def _queued_listed(seen: _Seen) -> str:
    listing = seen.of(Step.LIST_QUEUED, ask="List")
    looks = seen.of(Step.LIST_QUEUED, ask="Describe")
    states = {entry.get("JobStatus") for one in looks for entry in _entries(one)}
    if not listing or states != {"SUBMITTED"}:
        return f"{NOT_OBSERVED}: no job was SUBMITTED any more"
    return "yes" if any(entry.get("JobId") == "running" for entry in _entries(listing[0])) else "no"


def _token_paging(seen: _Seen) -> str:
    first, second = seen.of(Step.PAGE_1, ask="List"), seen.of(Step.PAGE_2, ask="List")
    if not first:
        return ""
    text = f"{len(_entries(first[0]))} entry for MaxResults 1, {'a' if second else 'no'} NextToken"
    if not second:
        return text
    if second[0]["status"] != 200:
        return f"{text}; {_answer(second[0])}"
    pages = [[entry["JobId"] for entry in _entries(page[0])] for page in (first, second)]
    repeats = "repeats the last job" if pages[0][-1:] == pages[1][:1] else "goes on behind the last job"
    return f"{text}; after a job came in between, the second page {repeats} of the first"


# Azure Document Translation


def _rows(seen: _Seen) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
    """Return state and total of a batch in its latest fresh answer, and the documents that were listed then."""
    known: dict[str, tuple[str, int]] = {}
    for one in seen.all:
        path = urlsplit(one["request"].get("url", "")).path
        if path.endswith("/documents"):
            if one["status"] == 200 and "age" not in one["headers"]:
                name = path.split("/")[-2]
                yield (*known.get(name, ("NotStarted", 0)), one["body"].get("value", []))
        elif "age" not in one["headers"] and _verb(one) == "GET":
            for entry in _entries(one):
                if "id" in entry:
                    known[entry["id"]] = (entry["status"], entry.get("summary", {}).get("total", 0))


def _queued_documents(seen: _Seen) -> str:
    found = [(total, len(rows)) for state, total, rows in _rows(seen) if state == "NotStarted"]
    if not found:
        return ""
    total, rows = max(found, key=lambda one: (one[1], one[0]))
    return f"{'yes' if rows else 'no'}: at most {rows} documents of a total of {total}, {len(found)} looks"


def _rows_come(seen: _Seen) -> str:
    counts = [len(rows) for state, _, rows in _rows(seen) if state == "Running"]
    return " → ".join(str(count) for count in dict.fromkeys(counts))


def _targets(seen: _Seen) -> str:
    told: dict[str, list[bool]] = {}
    for _, _, rows in _rows(seen):
        for row in rows:
            told.setdefault(row["status"], []).append("path" in row)
    return ", ".join(f"{state}: {_share(found)}" for state, found in sorted(told.items()))


def _share(found: list[bool]) -> str:
    return {0: "no", len(found): "yes"}.get(sum(found), f"{sum(found)} of {len(found)}")


def _ports(seen: _Seen) -> str:
    urls = {urlsplit(row["sourcePath"]) for _, _, rows in _rows(seen) for row in rows if "sourcePath" in row}
    return ", ".join(sorted({f":{url.port}" if url.port else "no port" for url in urls}))


def _ages(seen: _Seen) -> str:
    gets = [one for one in seen.all if _verb(one) == "GET"]
    ages = [int(one["headers"]["age"]) for one in gets if "age" in one["headers"]]
    fresh = [one for one in gets if one["step"] not in CACHED_STEPS]
    still = sum("age" in one["headers"] for one in fresh)
    seconds = f", {min(ages)} to {max(ages)} s old" if ages else ""
    return f"{len(ages)} of {len(gets)} GETs{seconds}; {still} of {len(fresh)} with a URL of their own"


def _hidden(seen: _Seen) -> str:
    lists = [one for one in seen.of(Step.CACHED_LIST_AFTER) if one["status"] == 200]
    without = sum(all(entry.get("id") != "queued" for entry in _entries(one)) for one in lists)
    return f"{without} of {len(lists)} did not show it" if lists else ""


def _stale(seen: _Seen) -> str:
    gets = [one for one in seen.of(Step.CACHED_GET_AFTER) if one["status"] == 200]
    old = [one for one in gets if one["body"].get("status") in ("NotStarted", "Running")]
    if not gets:
        return ""
    words = ", ".join(dict.fromkeys(f"{one['body']['status']}{_age(one)}" for one in gets))
    return f"{len(old)} of {len(gets)} were stale: {words}"


def _age(one: Exchange) -> str:
    return f" (Age {one['headers']['age']})" if "age" in one["headers"] else ""


def _stale_for(seen: _Seen) -> str:
    asked = next((one["at"] for one in seen.of(Step.STOP_QUEUED, ask="DELETE")), None)
    fresh = next((one["at"] for one, state in seen.states("queued") if state == "Cancelled"), None)
    later = [one["at"] for one in seen.of(Step.CACHED_GET_LATER) if one["body"].get("status") == "Cancelled"]
    if asked is None or fresh is None:
        return ""
    first = f"after {later[0] - asked:.1f} s" if later else "not within the time it was asked"
    return f"showed Cancelled {first}; fresh answers did after {fresh - asked:.1f} s"


def _links(seen: _Seen) -> str:
    for one in seen.of(Step.PAGE_1):
        for key in ("@nextLink", "nextLink"):
            if link := (one["body"] or {}).get(key):
                query = urlsplit(link).query
                names = ", ".join(part.partition("=")[0] for part in query.split("&"))
                follow = seen.of(Step.PAGE_2)
                shown = f"; followed: {_answer(follow[0])}" if follow else ""
                return f"`{key}` with {names}{', a raw space' if ' ' in query else ''}{shown}"
        return "no link"
    return ""


def _page_size(seen: _Seen) -> str:
    for one in seen.of(Step.LIST):
        linked = any(key in (one["body"] or {}) for key in ("@nextLink", "nextLink"))
        return f"{len(_entries(one))} and {'a link' if linked else 'no link: there were no more'}"
    return ""


def _throttled(seen: _Seen) -> str:
    found = [one for one in seen.all if one["status"] == 429]
    after = sorted({one["headers"].get("retry-after", "none") for one in found})
    return f"{len(found)} of {len(seen.all)}" + (f", Retry-After {', '.join(after)}" if found else "")


def _stack(seen: _Seen) -> str:
    done = [f"{name}: exit code {event['exit_code']}, {event['seconds']} s" for name, event in seen.stack.items()]
    entries = [entry for one in seen.of(Step.AFTER_DESTROY) for entry in _entries(one)]
    left = [str(entry.get("JobStatus") or entry.get("status")) for entry in entries]
    return "; ".join([*done, f"the jobs were {', '.join(left)}"]) if done else ""


AMAZON: dict[str, Callable[[_Seen], str]] = {
    "Stop of a SUBMITTED job": _stopped(Step.STOP_QUEUED, "queued", "SUBMITTED", follow=True),
    "Stop of an IN_PROGRESS job": _stopped(Step.STOP_RUNNING, "running", "IN_PROGRESS", follow=True),
    "Stop of a STOP_REQUESTED job": _stopped(Step.STOP_STOPPING, "running", "STOP_REQUESTED"),
    "Stop of an ended job": _stopped(Step.STOP_STOPPED, "queued", *ENDED),
    "Stop of an unknown job": _stopped(Step.STOP_UNKNOWN, "unknown"),
    "Does a listing by JobStatus SUBMITTED show a job that was just started?": _queued_listed,
    "Order without a filter": _ordered(Step.LIST),
    "Order with SubmittedAfterTime": _ordered(Step.LIST_AFTER),
    "Order with SubmittedBeforeTime": _ordered(Step.LIST_BEFORE),
    "Paging": _token_paging,
}
AZURE: dict[str, Callable[[_Seen], str]] = {
    "DELETE of a NotStarted batch": _stopped(Step.STOP_QUEUED, "queued", "NotStarted", follow=True),
    "DELETE of a Cancelling batch": _stopped(Step.STOP_STOPPING, "queued", "Cancelling"),
    "DELETE of a Cancelled batch": _stopped(Step.STOP_STOPPED, "queued", "Cancelled"),
    "DELETE of another ended batch": _stopped(Step.STOP_SUCCEEDED, "running", *ENDED),
    "DELETE of an unknown batch": _stopped(Step.STOP_UNKNOWN, "unknown"),
    "Are documents of a NotStarted batch listed?": _queued_documents,
    "Documents listed while the batch runs": _rows_come,
    "Do documents tell their target, by document status?": _targets,
    "Port in sourcePath": _ports,
    "Answers with Age": _ages,
    "One list URL asked before and after a submission": _hidden,
    "One batch URL asked before and right after its DELETE": _stale,
    "The same URL later": _stale_for,
    "Link to the next page": _links,
    "Entries on a page without maxpagesize": _page_size,
    "Order of listings": _ordered(Step.LIST),
    "Order with orderby=createdDateTimeUtc asc": _ordered(Step.LIST_ASCENDING),
}
BOTH: dict[str, Callable[[_Seen], str]] = {
    "Throttled answers": _throttled,
    "The guarded stack": _stack,
}
