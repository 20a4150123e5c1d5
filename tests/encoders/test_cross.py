"""The cross-encoder, on a tiny network saved as users save them."""

import numpy as np
import pytest
import torch
import transformers

from similarity.encoders.cross import CrossEncoder, cross_encoder
from similarity.exceptions import EncoderError
from similarity.search import queries
from similarity.search.mailbox import Question
from tests.configure import with_settings
from tests.encoders.models import SIZES, save_tokenizer


def save_judge(folder, outputs=1):
    folder.mkdir()
    torch.manual_seed(11)
    config = transformers.BertConfig(
        vocab_size=save_tokenizer(folder), max_position_embeddings=16, num_labels=outputs, **SIZES
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    cross_encoder.cache_clear()
    yield save_judge(tmp_path / "judge")
    cross_encoder.cache_clear()


def test_scores_are_the_network_s_own_for_each_pair(folder):
    """Padding to the longest of a batch changes nothing, and neither does the order."""
    judge = CrossEncoder(str(folder))
    texts = ["red shirt", "blue dress for women the bag", "shoe"]
    together = judge.scores("red shirt", texts)
    assert together.shape == (3,)
    alone = [float(judge.scores("red shirt", [text])[0]) for text in texts]
    assert together == pytest.approx(alone, abs=1e-4)
    assert judge.scores("blue bag", texts) != pytest.approx(together, abs=1e-4)


def test_a_text_longer_than_the_network_reads_is_cut(folder):
    judge = CrossEncoder(str(folder))
    assert np.isfinite(judge.scores("red", ["shirt " * 500])).all()


def test_a_network_of_several_outputs_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(EncoderError, match="2 outputs; name one with a single output"):
        CrossEncoder(str(save_judge(tmp_path / "two", outputs=2)))


def test_a_folder_that_holds_none_is_named(tmp_path):
    with pytest.raises(EncoderError, match="nowhere"):
        CrossEncoder(str(tmp_path / "nowhere"))


def test_the_worker_answers_pairs(folder, settings):
    settings.SIMILARITY = with_settings(SEARCH={"CROSS_ENCODER": str(folder)})
    payload = b'{"query": "red shirt", "texts": ["red shirt", "shoe"]}'
    answer = queries.compute(Question("pairs", "x", 0, payload))
    expected = CrossEncoder(str(folder)).scores("red shirt", ["red shirt", "shoe"])
    assert answer.row == pytest.approx(expected, abs=1e-5)


def test_without_a_model_there_is_nothing_to_tell():
    assert queries.compute(Question("pairs", "x", 0, b"{}")).row is None
