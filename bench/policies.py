"""The policy pack in its own handler: how its time grows with the stack, and what looking at many places costs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pulumi_policy import Policy, ResourceValidationPolicy, StackValidationPolicy

from bench.emulated import REGION, REGIONS, SLOW, SLOWEST_REGION, Emulated, slow_region
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from tests.policy.support import (
    ASSUMED_BY_LAMBDA,
    Resource,
    Servicer,
    amazon_guard,
    bucket,
    permission,
    resource_request,
    role,
)
from tests.policy.support import stack_request as whole_stack
from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.policies import NAMES, policies
from translation_job_guard.policies.pack import RelevantResources

__all__ = ["measure", "stack_of"]

LIVE = (
    "orphaned-translation-jobs",
    "overdue-translation-jobs",
    "abandoned-translation-jobs",
    "translation-places-reachable",
)
_STILL = [name for name in NAMES if name not in LIVE]
_NOTHING = "a pack of as many rules that do nothing"
_OF = 50
"""Of so many resources four are a role, a bucket, a policy and a guard; the others are no business of the rules."""


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Item 6 of the benchmarks."""
    sizes = (100, 1_000, 10_000)
    rules: dict[int, list[float]] = {size: [] for size in sizes}
    nothing: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(plan.choose(5, 15)):
        for size in sizes:
            rules[size].append(_per_thousand(size, _ready(_STILL)))
            nothing[size].append(_per_thousand(size, _idle()))
    # The least of each: the work is the same each time, and what other work takes away is not the pack's.
    least = {size: min(rules[size]) for size in sizes}
    for size in sizes:
        what = f"{size:,} resources, the rules that look at no cloud, the least of {len(rules[size])}"
        pairs = (Pair(least[size], min(nothing[size])),)
        show(Figure("policies", what, "ms per 1,000", _NOTHING, pairs, Bar(100.0, Of.VALUE)))
    pairs = (Pair(least[10_000], least[1_000]),)
    show(Figure("policies", "10,000 resources, for each", "ms per 1,000", "1,000 resources", pairs, Bar(1.25)))
    _without_translation(plan, show)
    _live(plan, emulated, show)


def _without_translation(plan: Plan, show: Show) -> None:
    """Measure a stack that has nothing to do with translation, with every rule."""
    stack = _other_stack(5_000)
    ready, own, nothing = [], [], []
    for _ in range(plan.choose(3, 9)):
        ready.append(_milliseconds(stack, _ready(NAMES)))
        own.append(_milliseconds(stack, _handler(policies())))
        nothing.append(_milliseconds(stack, _idle(NAMES)))
    for what, times, bar in (("", ready, Bar(1.1)), (" in a pack of somebody's own", own, None)):
        what = f"5,000 resources without translation, all rules{what}"
        show(Figure("policies", what, "ms", _NOTHING, (Pair(min(times), min(nothing)),), bar))


def _handler(pack: list[Policy]) -> Any:
    return Servicer(pack, filtered=False).servicer


def _ready(names: Iterable[str]) -> Any:
    """Return the handler of the ready pack."""
    return RelevantResources(_handler(policies(only=names)))


def _idle(names: Iterable[str] = _STILL) -> Any:
    """Return the handler of a pack with as many policies of each kind, which do nothing."""
    resource = [policy for policy in policies(only=names) if isinstance(policy, ResourceValidationPolicy)]
    stack = [policy for policy in policies(only=names) if isinstance(policy, StackValidationPolicy)]
    return _handler(
        [
            *(ResourceValidationPolicy(policy.name, "Idle.", lambda _args, _report: None) for policy in resource),
            *(StackValidationPolicy(policy.name, "Idle.", lambda _args, _report: None) for policy in stack),
        ]
    )


def _per_thousand(size: int, handler: Any) -> float:
    """Milliseconds per thousand resources, of the processor's time: the handler has one thread and waits for nobody."""
    return _milliseconds(stack_of(size), handler) / size * 1_000


def _milliseconds(stack: list[Resource], handler: Any) -> float:
    """Milliseconds of the processor's time in which a pack judges each resource and the stack."""
    each, whole = [resource_request(one) for one in stack], whole_stack(stack)
    begun = time.process_time()
    for request in each:
        handler.Analyze(request, None)
    handler.AnalyzeStack(whole, None)
    return (time.process_time() - begun) * 1_000


def _other_stack(size: int) -> list[Resource]:
    """Return a stack with roles of functions, buckets, queues and networks."""
    resources: list[Resource] = []
    for number in range(0, size, _OF):
        handler, files = role(f"role-{number}", ASSUMED_BY_LAMBDA), bucket(f"bucket-{number}")
        resources += [handler, files, permission(handler, files, name=f"access-{number}")]
        for other in range(_OF - 3):
            token = ("aws:sqs/queue:Queue", "azure-native:network:VirtualNetwork")[other % 2]
            resources.append(Resource(token, f"other-{number}-{other}", {"name": "other"}, depends=[handler]))
    return resources[:size]


def stack_of(size: int) -> list[Resource]:
    """Return a stack of this size, with roles, buckets and guards among many others."""
    resources: list[Resource] = []
    for number in range(0, size, _OF):
        mine, documents = role(f"role-{number}"), bucket(f"bucket-{number}")
        access = permission(mine, documents, name=f"access-{number}")
        guard = amazon_guard(mine, documents, name=f"guard-{number}", depends=[access])
        others = [
            Resource("aws:sqs/queue:Queue", f"queue-{number}-{other}", {"name": f"queue-{other}"}, depends=[mine])
            for other in range(_OF - 4)
        ]
        resources += [mine, documents, access, guard, *others]
    return resources[:size]


def _live(plan: Plan, emulated: Emulated, show: Show) -> None:
    emulated.fill(AMAZON_TRANSLATE, 10, ended=100, neighbours=10)
    stack = [role("translate"), bucket("documents")]
    request = whole_stack(stack)
    pairs = []
    with _environment({"AWS_ENDPOINT_URL": emulated.url}), slow_region(emulated):
        for _ in range(plan.choose(1, 3)):
            times = []
            for regions in ([SLOWEST_REGION], list(REGIONS)):
                emulated.forget_requests()
                config = {name: {"regions": regions} for name in LIVE[:2]}
                servicer = Servicer(policies(only=LIVE), config).servicer
                begun = time.perf_counter()
                servicer.AnalyzeStack(request, None)
                times.append(time.perf_counter() - begun)
                looked = emulated.requests(by="region").keys() & set(REGIONS)
                if not looked >= set(regions):
                    raise RuntimeError(f"looked at {sorted(looked)} only")
            alone, together = times
            pairs.append(Pair(together, alone))
    what = f"live rules, {len(REGIONS)} regions, one of them {SLOW:g} s slower"
    show(Figure("policies", what, "s", "the slowest region and the stack's own", tuple(pairs)))


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in (*values, "AWS_REGION")}
    os.environ.update(values, AWS_REGION=REGION)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
