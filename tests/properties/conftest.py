"""How properties are tried, by HYPOTHESIS_PROFILE.

`ci`, the default, tries the same examples each time. `nightly` (`make properties-nightly`) tries many more, from a
fresh seed each time, and prints how to try the one that failed again.

The modules are marked `no_cover`: thousands of examples would take twice as long, and unit tests reach what coverage
measures.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=2000,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly", settings.get_profile("ci"), max_examples=100_000, derandomize=False, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
