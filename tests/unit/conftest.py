from tests.support.emulator import emulator, real_server  # noqa: F401 - fixtures
