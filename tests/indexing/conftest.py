"""Every test here embeds with the fast encoders."""

import pytest

from tests.fixtures_cells import cells_catalogue  # noqa: F401
from tests.fixtures_indexing import dead_broker, fake_encoders, wakeups  # noqa: F401
from tests.fixtures_replica import with_replica  # noqa: F401


@pytest.fixture(autouse=True)
def _fast(fake_encoders):  # noqa: F811
    pass
