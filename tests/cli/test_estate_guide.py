"""The guide to estates: its two commands, as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.cli.conftest import _FOREIGN

GUIDE = Path(__file__).parents[2] / "docs" / "estate.md"


def test_two_commands_give_a_complete_report(tmp_path: Path) -> None:
    """What could be seen, and what could not: an account that refuses, and a firewall."""
    _install, commands, *_ = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(commands.strip().splitlines()) == 2
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}",
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    script = f'{commands}\ncode=$?; kill "$EMULATOR_PID"; exit $code'
    done = subprocess.run(
        ["bash", "-c", script], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False
    )
    shown = " ".join(done.stdout.split())
    assert done.returncode == 2, done.stdout + done.stderr
    assert "3 jobs in flight in the 48 of 50 places" in shown
    assert "sts:AssumeRole is not permitted" in shown
    assert "The account has a firewall" in shown
    assert "no custom subdomain" in shown
    assert "100000000004" in shown
