from tests.support.emulator import emulator, real_server  # noqa: F401 - fixtures
from tests.support.services import bare_environment, no_pauses  # noqa: F401 - fixtures
