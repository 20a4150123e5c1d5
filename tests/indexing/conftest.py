"""Fixtures of the indexing tests: fast encoders, no pause after a broker that failed."""

import pytest

from similarity.indexing import wakeup
from tests.encoders_fake import HashEncoder, similarity_settings


@pytest.fixture(autouse=True)
def fake_encoders(settings):
    settings.SIMILARITY = similarity_settings()
    HashEncoder.encoded = []
    HashEncoder.calls = 0
    HashEncoder.before = None
    wakeup.resume()
    yield
    HashEncoder.before = None
