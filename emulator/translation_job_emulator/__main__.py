"""Run the emulator: `python -m translation_job_emulator`."""

from __future__ import annotations

import sys

from translation_job_emulator.command import main

sys.exit(main())
