"""The sequence model: equal to torch.nn, to replay-rec's SASRec, and to its own form in numpy."""

import time

import numpy as np
import pytest

from similarity.shoppers.artefact import SequenceConfig
from similarity.shoppers.sequence_numpy import encode_history, gap_buckets, project_content
from similarity.shoppers.training.transformer import Dropout, SequenceTransformer

torch = pytest.importorskip("torch", reason="the encoders extra is not installed")

BATCH, LENGTH, ITEMS, CONTENT = 3, 7, 12, 5


def make_model(**shape) -> SequenceTransformer:
    """Return a model with weights that are far from their first values."""
    config = SequenceConfig(**{"dim": 8, "heads": 2, "hidden": 16, "length": 10} | shape)
    random = np.random.default_rng(3)
    content = random.normal(size=(ITEMS, config.content_dim)).astype(np.float32)
    model = SequenceTransformer(config, content)
    with torch.no_grad():
        for weight in model.weights.values():
            weight += torch.as_tensor(random.normal(0, 0.2, weight.shape), dtype=torch.float32)
    return model


def make_batch(lengths=(LENGTH, LENGTH, LENGTH)) -> dict:
    random = np.random.default_rng(4)
    shape = (BATCH, LENGTH)
    return {
        "items": torch.as_tensor(random.integers(0, ITEMS, shape)),
        "kinds": torch.as_tensor(random.integers(0, 10, shape)),
        "gaps": torch.as_tensor(random.integers(0, 15, shape)),
        "lengths": torch.as_tensor(lengths),
    }


def encode(model, batch, **changed):
    batch = batch | changed
    with torch.no_grad():
        items = model.item_vectors()[batch["items"]]
        return model.encode(items, batch["kinds"], batch["gaps"], batch["lengths"])


@pytest.mark.parametrize("wiring", ["pre", "sasrec"])
@pytest.mark.parametrize("shape", [{}, {"content_dim": CONTENT}, {"cosine": True, "heads": 1}])
def test_numpy_gives_the_same_vector(wiring, shape):
    model = make_model(wiring=wiring, **shape)
    weights = {name: weight.detach().numpy() for name, weight in model.weights.items()}
    random = np.random.default_rng(5)
    for length in (1, 2, 7, 10):
        items = random.integers(0, ITEMS, length)
        kinds, gaps_s = random.integers(0, 10, length), random.integers(-1, 10**7, length)
        expected = encode(
            model,
            {},
            items=torch.as_tensor(items)[None],
            kinds=torch.as_tensor(kinds)[None],
            gaps=torch.as_tensor(gap_buckets(gaps_s))[None],
            lengths=torch.tensor([length]),
        )[0, -1]
        vectors = model.item_vectors().detach().numpy()[items]
        found = encode_history(weights, model.config, vectors, kinds, gaps_s)
        assert np.abs(found - expected.numpy()).max() <= 1e-4


def test_numpy_reads_the_last_events_of_a_long_history():
    model = make_model()
    weights = {name: weight.detach().numpy() for name, weight in model.weights.items()}
    items = np.random.default_rng(5).normal(size=(300, 8)).astype(np.float32)
    kinds, gaps_s = np.ones(300, int), np.full(300, 60)
    long = encode_history(weights, model.config, items, kinds, gaps_s)
    short = encode_history(weights, model.config, items[-10:], kinds[-10:], gaps_s[-10:])
    assert np.array_equal(long, short)


def test_numpy_refuses_arrays_of_different_lengths():
    model = make_model()
    with pytest.raises(ValueError, match="0 items"):
        encode_history({}, model.config, np.zeros((0, 8), np.float32), np.zeros(0), np.zeros(0))
    with pytest.raises(ValueError, match="2 items, 2 kinds and 1 gaps"):
        encode_history({}, model.config, np.zeros((2, 8), np.float32), np.zeros(2), np.zeros(1))


def test_numpy_takes_at_most_3_ms_for_50_events():
    """The median, because tests share the machine; benchmarks/sequences.py states the p95."""
    model = make_model(dim=128, heads=4, hidden=256, length=50)
    weights = {name: weight.detach().numpy() for name, weight in model.weights.items()}
    items, some = np.ones((50, 128), np.float32), np.ones(50, int)
    times_ms = []
    for _each in range(60):
        began = time.thread_time()  # other processes of the machine do not count
        encode_history(weights, model.config, items, some, some)
        times_ms.append((time.thread_time() - began) * 1000)
    assert np.median(times_ms) <= 3


@pytest.mark.parametrize("cosine", [False, True])
def test_an_item_without_events_has_the_vector_of_its_content(cosine):
    model = make_model(content_dim=CONTENT, cosine=cosine)
    weights = {name: weight.detach().numpy() for name, weight in model.weights.items()}
    with torch.no_grad():
        model.weights["ids"][4] = 0
        expected = model.item_vectors()[4].numpy()
    found = project_content(weights, model.config, model.content.numpy()[4:5])
    assert np.allclose(found, expected, atol=1e-6)


def test_content_of_another_length_is_refused():
    model = make_model(content_dim=CONTENT)
    with pytest.raises(ValueError, match="3 values; the model was trained on 5"):
        project_content({}, model.config, np.zeros((2, 3), np.float32))


def test_a_model_of_ids_alone_knows_nothing_of_new_items():
    assert not project_content({}, make_model().config, np.zeros((2, 0), np.float32)).any()


def test_an_event_sees_no_later_one():
    model, batch = make_model(), make_batch()
    before = encode(model, batch)
    batch["items"][:, -1] = (batch["items"][:, -1] + 1) % ITEMS
    after = encode(model, batch)
    assert torch.equal(before[:, :-1], after[:, :-1])
    assert not torch.allclose(before[:, -1], after[:, -1])


def test_padding_changes_nothing():
    model, batch = make_model(), make_batch(lengths=(4, 7, 5))
    padded = encode(model, batch)
    alone = {
        name: values[:1, :4] if values.dim() > 1 else values[:1] for name, values in batch.items()
    }
    assert torch.allclose(padded[:1, :4], encode(model, alone), atol=1e-6)


@pytest.mark.parametrize("name", ["kinds", "gaps"])
def test_kinds_and_gaps_of_events_matter(name):
    model, batch = make_model(), make_batch()
    other = torch.zeros_like(batch[name])
    assert not torch.allclose(encode(model, batch), encode(model, batch, **{name: other}))


def test_dropping_ids_leaves_the_content():
    model = make_model(content_dim=CONTENT, cosine=False)
    with torch.no_grad():
        alone = model.content @ model.weights["content.weight"].T
        assert torch.allclose(model.item_vectors(ids=1.0), alone)
        assert torch.equal(model.item_vectors(ids=0.0), model.item_vectors())


def test_dropout_is_for_training_only():
    model, batch = make_model(), make_batch()
    items = model.item_vectors()[batch.pop("items")]
    first = model.encode(items, *batch.values(), Dropout(layers=0.5))
    second = model.encode(items, *batch.values(), Dropout(layers=0.5))
    assert not torch.equal(first, second)


def test_blocks_equal_torch_nn():
    """With the same weights, blocks are those of torch.nn.TransformerEncoderLayer."""
    model = make_model(hidden=24)
    x = torch.randn(BATCH, LENGTH, 8)
    mask = torch.ones(LENGTH, LENGTH, dtype=torch.bool).triu(1)
    expected, found = x, x
    for block in range(2):
        name = f"blocks.{block}."
        layer = torch.nn.TransformerEncoderLayer(
            8, 2, 24, dropout=0.0, norm_first=True, batch_first=True, layer_norm_eps=1e-8
        ).eval()
        pairs = {
            layer.norm1: "before_attention",
            layer.self_attn.out_proj: "merge",
            layer.norm2: "before_widen",
            layer.linear1: "widen",
            layer.linear2: "narrow",
        }
        with torch.no_grad():
            for module, own in pairs.items():
                module.weight.copy_(model.weights[f"{name}{own}.weight"])
                module.bias.copy_(model.weights[f"{name}{own}.bias"])
            layer.self_attn.in_proj_weight.copy_(model.weights[name + "project.weight"])
            layer.self_attn.in_proj_bias.copy_(model.weights[name + "project.bias"])
            expected = layer(expected, src_mask=mask)
            found = model._block(name, found, mask, Dropout())
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_whole_equals_replay_recs_sasrec():
    """With the same weights and the order of layers of Kang and McAuley."""
    sequential = pytest.importorskip(
        "replay.nn.sequential", reason="replay-rec is not installed; see docs/sequence-model.md"
    )
    reference = replay_sasrec(sequential, items=ITEMS, dim=8, heads=2, blocks=2, length=LENGTH)
    config = SequenceConfig(dim=8, heads=2, hidden=8, length=LENGTH, wiring="sasrec", cosine=False)
    model = SequenceTransformer(config, np.zeros((ITEMS, 0), np.float32))
    copy_from_replay(model, reference)
    items = torch.as_tensor(np.random.default_rng(1).integers(0, ITEMS, (BATCH, LENGTH)))
    zeros, lengths = torch.zeros_like(items), torch.full((BATCH,), LENGTH)
    with torch.no_grad():
        expected = reference({"item": items}, torch.ones_like(items, dtype=torch.bool))["logits"]
        vectors = model.item_vectors()
        found = model.encode(vectors[items], zeros, zeros, lengths)[:, -1] @ vectors.T
    assert expected.abs().max() > 0.1
    assert torch.allclose(found, expected, atol=1e-4)


def replay_sasrec(sequential, *, items, dim, heads, blocks, length):
    from replay.data import FeatureHint, FeatureSource, FeatureType
    from replay.data.nn import TensorFeatureInfo, TensorFeatureSource, TensorSchema

    schema = TensorSchema(
        TensorFeatureInfo(
            "item",
            is_seq=True,
            feature_type=FeatureType.CATEGORICAL,
            embedding_dim=dim,
            padding_value=items,
            cardinality=items,
            feature_hint=FeatureHint.ITEM_ID,
            feature_sources=[TensorFeatureSource(FeatureSource.INTERACTIONS, "item")],
        )
    )
    torch.manual_seed(0)
    model = sequential.SasRec.from_params(
        schema, dim, heads, blocks, max_sequence_length=length, dropout=0.0
    )
    return model.eval()


def copy_from_replay(model: SequenceTransformer, reference) -> None:
    body, encoder = reference.body, reference.body.encoder
    with torch.no_grad():
        model.weights["ids"].copy_(body.embedder.get_item_weights(None))
        # Theirs counts places from the start, ours from the end.
        model.weights["position.weight"].copy_(body.embedding_aggregator.pe.weight.flip(0))
        own = {"last": body.output_normalization}
        for block in range(model.config.blocks):
            attention, wide = encoder.attention_layers[block], encoder.forward_layers[block]
            name = f"blocks.{block}."
            model.weights[name + "project.weight"].copy_(attention.in_proj_weight)
            model.weights[name + "project.bias"].copy_(attention.in_proj_bias)
            own |= {
                name + "before_attention": encoder.attention_layernorms[block],
                name + "merge": attention.out_proj,
                name + "before_widen": encoder.forward_layernorms[block],
                name + "widen": wide.conv1,
                name + "narrow": wide.conv2,
            }
        for name, module in own.items():
            weight = model.weights[name + ".weight"]
            weight.copy_(module.weight.reshape(weight.shape))
            model.weights[name + ".bias"].copy_(module.bias)
