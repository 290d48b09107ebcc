"""The documentation's page on the least permissions, made from what the service modules declare."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from translation_job_guard.services import Permission, amazon, azure

PAGE = Path(__file__).parents[1] / "docs" / "permissions.md"


def page() -> str:
    """Return the page, in Markdown."""
    policy = {"Version": "2012-10-17", "Statement": [amazon.STATEMENT]}
    return f"""# Permissions

<!-- Made from the service modules by `make docs`; a test holds it to them. -->

A guard needs these when it is made (it proves them) and when it is deleted. They belong to the credentials that run
Pulumi, or to the role that `assume_role_arn` names; never to the jobs' own role.

## Amazon Translate

{_table(amazon.PERMISSIONS)}

```json
{json.dumps(policy, indent=2)}
```

These actions take no narrower resource than `*`: the guard's scope is all that keeps it from other jobs of the
account and region. `sts:GetCallerIdentity` needs no permission. With `assume_role_arn`, the credentials need
`sts:AssumeRole` on that role, and the role needs the above.

## Azure Document Translation

{_table(azure.PERMISSIONS)}

With a key in the environment no role is needed. With Entra ID, assign the role on the Translator resource:

```
{azure.ASSIGN_ROLE}
```

It can take some minutes until an assignment counts; a guard that is being made waits for it.
"""


def _table(permissions: Iterable[Permission]) -> str:
    rows = [
        f"| `{permission.name}` | {permission.purpose} | {'no' if permission.optional else 'yes'} |"
        for permission in permissions
    ]
    return "\n".join(["| permission | what for | required |", "|---|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
