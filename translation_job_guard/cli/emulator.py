"""``emulator``: run both services on this machine."""

from __future__ import annotations

from translation_job_guard.cli.options import EmulatorOptions
from translation_job_guard.errors import MissingExtra

__all__ = ["run"]


def run(options: EmulatorOptions) -> int:
    """Run the emulator's own program until a signal ends it, and return its exit code.

    Raises:
        MissingExtra: the distribution `translation-job-emulator` is not installed.
    """
    try:
        from translation_job_guard.emulator import main
    except ImportError as error:
        raise MissingExtra("The emulator", "emulator") from error
    arguments = [
        *("--host", options.host, "--port", str(options.port), "--clock", options.clock),
        *("--stop-latency", str(options.stop_latency)),
    ]
    if options.start_latency is not None:
        arguments += ["--start-latency", str(options.start_latency)]
    if options.run_time is not None:
        arguments += ["--run-time", str(options.run_time)]
    if options.documented_rates:
        arguments.append("--documented-rates")
    for setting in options.setting:
        arguments += ["--set", setting]
    return main(arguments)
