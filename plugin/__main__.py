"""Start the plugin. Pulumi runs this file; the release archives have their address in it."""

from translation_job_guard.native.host import main

main()
