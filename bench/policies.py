"""The policy pack in its own handler: how its time grows with the stack, and what looking at many places costs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from pulumi_policy import Policy, ResourceValidationPolicy, StackValidationPolicy

from bench.emulated import REGION, REGIONS, SLOW, SLOWEST_REGION, Emulated, slow_region
from bench.figures import Bar, Figure, Of, Pair, Plan, Show
from tests.policy.support import Resource, Servicer, amazon_guard, bucket, permission, resource_request, role
from tests.policy.support import stack_request as whole_stack
from translation_job_guard.jobs import AMAZON_TRANSLATE
from translation_job_guard.policies import NAMES, policies

__all__ = ["measure"]

LIVE = ("orphaned-translation-jobs", "overdue-translation-jobs", "abandoned-translation-jobs")
_STILL = [name for name in NAMES if name not in LIVE]
_OF = 50
"""Of so many resources four are a role, a bucket, a policy and a guard; the others are no business of the rules."""


def measure(plan: Plan, emulated: Emulated, show: Show) -> None:
    """Item 6 of the benchmarks."""
    sizes = (100, 1_000, 10_000)
    runs = []
    for _ in range(plan.choose(2, 5)):
        rules = {size: _per_thousand(size, policies(only=_STILL)) for size in sizes}
        runs.append((rules, {size: _per_thousand(size, _idle()) for size in sizes}))
    for size in sizes:
        what = f"{size:,} resources, the rules that look at no cloud"
        pairs = tuple(Pair(rules[size], rules[100]) for rules, _ in runs)
        show(Figure("policies", what, "ms per 1,000", "the same with 100", pairs, Bar(100.0, Of.VALUE)))
        pairs = tuple(Pair(rules[size], nothing[size]) for rules, nothing in runs)
        show(Figure("policies", what, "ms per 1,000", "a pack of as many rules that do nothing", pairs))
    _live(plan, emulated, show)


def _idle() -> list[Policy]:
    """A pack of as many policies of each kind, which do nothing: what the handler itself costs."""
    resource = [policy for policy in policies(only=_STILL) if isinstance(policy, ResourceValidationPolicy)]
    stack = [policy for policy in policies(only=_STILL) if isinstance(policy, StackValidationPolicy)]
    return [
        *(ResourceValidationPolicy(policy.name, "Idle.", lambda _args, _report: None) for policy in resource),
        *(StackValidationPolicy(policy.name, "Idle.", lambda _args, _report: None) for policy in stack),
    ]


def _per_thousand(size: int, pack: list[Policy]) -> float:
    """Milliseconds per thousand resources, of the processor's time: the handler has one thread and waits for nobody."""
    stack = _stack(size)
    each, whole = [resource_request(one) for one in stack], whole_stack(stack)
    servicer = Servicer(pack).servicer
    begun = time.process_time()
    for request in each:
        servicer.Analyze(request, None)
    servicer.AnalyzeStack(whole, None)
    return (time.process_time() - begun) * 1_000 / size * 1_000


def _stack(size: int) -> list[Resource]:
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
