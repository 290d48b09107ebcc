"""The Pulumi program: builds the example stack that the configuration names.

pulumi config set stack local    (or aws, or azure; each module says what else it takes)
"""

import sys
from importlib import import_module
from pathlib import Path

import pulumi

# The project's directory instead of this one: no module here can hide a package of the same name that way.
sys.path[:1] = [str(Path(__file__).parents[1])]

STACKS = {"local": "stacks.local", "aws": "stacks.aws", "azure": "stacks.azure_native"}

choice = pulumi.Config().get("stack")
if choice is None or choice not in STACKS:
    problem = "is not set" if choice is None else f"is {choice!r}, which is not an example stack"
    raise pulumi.RunError(
        f"The configuration value `stack` {problem}: choose with `pulumi config set stack NAME`,"
        f" NAME being one of {', '.join(STACKS)}."
    )
import_module(STACKS[choice])
