from collections.abc import Iterator

import pytest

from pipeline.backends.cortex_m.cmsis_nn_source import find_cmsis_nn
from tests.firmware.peer import KernelPeer


@pytest.fixture(scope="session")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelPeer]:
    running = KernelPeer.build(tmp_path_factory.mktemp("kernel_peer"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def cmsis_nn_peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KernelPeer]:
    running = KernelPeer.build(tmp_path_factory.mktemp("cmsis_nn_peer"), find_cmsis_nn().root)
    yield running
    running.close()
