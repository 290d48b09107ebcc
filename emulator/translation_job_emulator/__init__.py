"""Amazon Translate and Azure Document Translation over HTTP on this machine, to test against.

with Emulator(stop_latency=2) as emulator:
    boto3.client("translate", endpoint_url=emulator.url, region_name="eu-west-1")
    DocumentTranslationClient(emulator.azure_endpoint("any-name"), AzureKeyCredential("emulator-key"))
    emulator.control.wait_for_requests(operation="StopTextTranslationJob")
"""

from translation_job_emulator._version import __version__
from translation_job_emulator.command import main
from translation_job_emulator.control import Control, ControlError
from translation_job_emulator.server import Emulator

__all__ = ["Control", "ControlError", "Emulator", "__version__", "main"]
