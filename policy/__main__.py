"""The ready pack: every rule of translation-job-guard at its own level.

pulumi preview --policy-pack ./policy --policy-pack-config ./policy/config.example.json
"""

from __future__ import annotations

from translation_job_guard.policies import run_pack

run_pack()
