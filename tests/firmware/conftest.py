from collections.abc import Iterator

import pytest

from tests.firmware.peer import KernelPeer


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelPeer]:
    running = KernelPeer.build(tmp_path_factory.mktemp("kernel_peer"))
    yield running
    running.close()
