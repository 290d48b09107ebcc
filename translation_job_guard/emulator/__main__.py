"""`python -m translation_job_guard.emulator`"""

from __future__ import annotations

import sys

from translation_job_guard.emulator.command import main

sys.exit(main())
