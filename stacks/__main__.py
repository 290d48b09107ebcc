"""The Pulumi program: builds the example stack that the configuration names.

pulumi config set stack local
"""

from importlib import import_module

import pulumi

# No module here may have the name of a cloud SDK's package (`azure`): this directory comes first in the
# import path of the program and of its dynamic providers, and the module would hide the package.
STACKS = {"local": "local"}

choice = pulumi.Config().get("stack")
if choice is None or choice not in STACKS:
    problem = "is not set" if choice is None else f"is {choice!r}, which is no example stack"
    raise pulumi.RunError(
        f"The configuration value `stack` {problem}: choose with `pulumi config set stack NAME`,"
        f" NAME being one of {', '.join(STACKS)}."
    )
import_module(STACKS[choice])
