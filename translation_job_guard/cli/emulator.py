"""``emulator``: both services on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from translation_job_guard.errors import MissingExtra

__all__ = ["run_emulator"]


def run_emulator(
    *,
    host: str,
    port: int,
    clock: str,
    stop_latency: float,
    start_latency: float | None,
    run_time: float | None,
    documented_rates: bool,
    settings: Sequence[str],
) -> int:
    """Run the emulator's own program until it is told to end; returns its exit code.

    Raises:
        MissingExtra: the distribution `translation-job-emulator` is not installed.
    """
    arguments = ["--host", host, "--port", str(port), "--clock", clock, "--stop-latency", str(stop_latency)]
    if start_latency is not None:
        arguments += ["--start-latency", str(start_latency)]
    if run_time is not None:
        arguments += ["--run-time", str(run_time)]
    if documented_rates:
        arguments.append("--documented-rates")
    for setting in settings:
        arguments += ["--set", setting]
    try:
        from translation_job_guard.emulator import main
    except ImportError as error:
        raise MissingExtra("The emulator", "emulator") from error
    return main(arguments)
