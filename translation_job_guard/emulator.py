"""The public names of the emulator, a separate distribution: `translation-job-emulator`.

`pip install "translation-job-guard[emulator]"` installs it.
"""

from __future__ import annotations

import sys

from translation_job_emulator import Control, ControlError, Emulator, main

__all__ = ["Control", "ControlError", "Emulator", "main"]

if __name__ == "__main__":
    sys.exit(main())
