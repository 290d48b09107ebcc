"""Bring an environment up, or take it down, by Pulumi's Automation API: deploy.py up|destroy STACK PROJECT"""

import sys
from pathlib import Path

from pulumi.automation import create_or_select_stack

action, name, project = sys.argv[1:]
stack = create_or_select_stack(stack_name=name, work_dir=project)
if action == "up":
    packs = [str(Path(project, "policy").resolve())]
    # The Automation API's `up` makes no preview: without this one, a mandatory rule that looks at the whole stack
    # would fail it only after everything had been made.
    stack.preview(policy_packs=packs, on_output=print)
    stack.up(policy_packs=packs, on_output=print)
else:
    stack.destroy(on_output=print)
