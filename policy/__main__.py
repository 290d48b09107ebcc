"""The ready pack: every rule of translation-job-guard at its own level.

pulumi preview --policy-pack ./policy --policy-pack-config ./policy/config.example.json
"""

from __future__ import annotations

from pulumi_policy import PolicyPack

from translation_job_guard.policies import collect_seldom, policies

collect_seldom()
PolicyPack("translation-job-guard", policies())
