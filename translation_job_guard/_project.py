"""Where the project is published."""

from typing import Final

__all__ = ["REPOSITORY"]

REPOSITORY: Final = "https://github.com/translation-job-guard/translation-job-guard"
"""Address of the public repository: a placeholder until the project has one.

What links into the repository from outside starts with it: each policy's `url`, and README and links of the package's
metadata. `TRANSLATION_JOB_GUARD_REPOSITORY=URL python -m build` puts another address into all of them.
"""
