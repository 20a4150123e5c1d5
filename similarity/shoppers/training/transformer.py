"""The sequence Transformer: from the last events of a shopper to a vector of what comes next.

Read from top to bottom. B: sequences of a batch, L: events, D: ``config.dim``, H: heads, I: items,
C: values of a content vector. Sequences are padded at the end, so that the causal mask hides the
padding too. After Vaswani et al. (2017) and Kang and McAuley (2018).
``similarity.shoppers.sequence_numpy`` is the same model in numpy.
"""

from typing import Any, NamedTuple

from similarity.encoders.weights import package
from similarity.shoppers.artefact import SequenceConfig, shapes
from similarity.types import FloatArray

#: Standard deviation of the first weights. Id vectors start nearer to zero if there is content.
FIRST = 0.02
FIRST_BESIDE_CONTENT = 0.002


class Dropout(NamedTuple):
    """Shares that are dropped in training; all 0 when the model is used."""

    #: Of the values between layers.
    layers: float = 0.0
    #: Of the items whose id vector is dropped, so that content alone must do (Volkovs et al. 2017).
    ids: float = 0.0


NONE = Dropout()


class SequenceTransformer:
    """The weights of a model for ``content`` (I, C), and its passes.

    ``weights`` maps names to tensors: those of :func:`similarity.shoppers.artefact.shapes`, and
    ``ids`` (I, D), the learned part of each item's vector.
    """

    def __init__(
        self, config: SequenceConfig, content: FloatArray, *, seed: int = 0, device: str = "cpu"
    ) -> None:
        torch = self.torch = package("torch")
        self.functional = package("torch.nn.functional")
        self.config = config
        self.content = torch.as_tensor(content, device=device)  # (I, C)
        self.weights = _first_weights(torch, config, len(content), seed, device)

    @property
    def item_count(self) -> int:
        return len(self.content)

    def item_vectors(self, items: Any = None, *, ids: float = 0.0) -> Any:
        """Return (N, D) the vectors of these items (N,), or of all; ``ids`` as in Dropout."""
        vectors, content = self.weights["ids"], self.content
        if items is not None:
            vectors = self.functional.embedding(items, vectors)
            content = content[items] if self.config.content_dim else content
        if self.config.content_dim:
            if ids:
                kept = self.torch.rand(len(vectors), 1, device=vectors.device) >= ids
                vectors = vectors * kept
            vectors = vectors + content @ self.weights["content.weight"].T
        return self.functional.normalize(vectors, dim=-1) if self.config.cosine else vectors

    def encode(
        self, items: Any, kinds: Any, gaps: Any, lengths: Any, dropout: Dropout = NONE
    ) -> Any:
        """Return (B, L, D) the shopper's vector after each event.

        ``items`` (B, L, D): the items' vectors. ``kinds`` and ``gaps`` (B, L): numbers of kinds
        and of buckets of gaps. ``lengths`` (B,): events of each sequence before the padding.
        """
        torch, embedding = self.torch, self.functional.embedding
        length = items.shape[1]
        places = torch.arange(length, device=items.device)
        from_end = (lengths[:, None] - 1 - places).clamp(min=0)  # (B, L); the last event has 0
        x = items * self.config.dim**0.5  # (B, L, D)
        x = x + embedding(from_end, self.weights["position.weight"])
        x = x + embedding(kinds, self.weights["kind.weight"])
        x = x + embedding(gaps, self.weights["gap.weight"])
        x = self._dropped(x, dropout)
        future = torch.ones(length, length, dtype=torch.bool, device=items.device).triu(1)
        for block in range(self.config.blocks):
            x = self._block(f"blocks.{block}.", x, future, dropout)
        x = self._normalised("last", x)
        return self.functional.normalize(x, dim=-1) if self.config.cosine else x

    def _block(self, name: str, x: Any, future: Any, dropout: Dropout) -> Any:
        """Attention and two linear maps, each beside a path that leaves ``x`` (B, L, D) as is."""
        sasrec = self.config.wiring == "sasrec"
        normal = self._normalised(name + "before_attention", x)
        mixed = self._attention(name, normal, x if sasrec else normal, future, dropout)
        x = (normal if sasrec else x) + mixed
        normal = self._normalised(name + "before_widen", x)
        wide = self._dropped(self._linear(name + "widen", normal).relu(), dropout)  # (B, L, hidden)
        narrow = self._dropped(self._linear(name + "narrow", wide), dropout)  # (B, L, D)
        return (normal if sasrec else x) + narrow

    def _attention(self, name: str, asking: Any, asked: Any, future: Any, dropout: Dropout) -> Any:
        """Mix the events (B, L, D) before each event, by how well key and query agree."""
        batch, length, dim = asking.shape
        heads = self.config.heads
        weight, bias = self.weights[name + "project.weight"], self.weights[name + "project.bias"]
        query = self.functional.linear(asking, weight[:dim], bias[:dim])  # (B, L, D)
        key, value = self.functional.linear(asked, weight[dim:], bias[dim:]).split(dim, dim=2)
        query, key, value = (
            rows.view(batch, length, heads, dim // heads).transpose(1, 2)
            for rows in (query, key, value)
        )  # (B, H, L, D / H)
        scores = query @ key.transpose(2, 3) / (dim // heads) ** 0.5  # (B, H, L, L)
        shares = scores.masked_fill(future, float("-inf")).softmax(dim=-1)
        mixed = self._dropped(shares, dropout) @ value  # (B, H, L, D / H)
        mixed = mixed.transpose(1, 2).reshape(batch, length, dim)
        return self._dropped(self._linear(name + "merge", mixed), dropout)

    def _linear(self, name: str, x: Any) -> Any:
        weights = self.weights
        return self.functional.linear(x, weights[name + ".weight"], weights[name + ".bias"])

    def _normalised(self, name: str, x: Any) -> Any:
        weight, bias = self.weights[name + ".weight"], self.weights[name + ".bias"]
        return self.functional.layer_norm(x, weight.shape, weight, bias, eps=1e-8)

    def _dropped(self, x: Any, dropout: Dropout) -> Any:
        return self.functional.dropout(x, dropout.layers) if dropout.layers else x


def _first_weights(
    torch: Any, config: SequenceConfig, items: int, seed: int, device: str
) -> dict[str, Any]:
    """Return weights near zero; norms begin at one, and biases, kinds and gaps at zero."""
    dice = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes(config).items():
        layer, _, kind = name.rpartition(".")
        norm = layer.rpartition(".")[2] in ("before_attention", "before_widen", "last")
        if kind == "bias" or layer in ("kind", "gap"):
            first = torch.zeros(shape)
        elif norm:
            first = torch.ones(shape)
        elif layer == "position":
            first = torch.randn(shape, generator=dice) * FIRST
        else:
            first = torch.randn(shape, generator=dice) * (2 / sum(shape)) ** 0.5
        weights[name] = first
    deviation = FIRST_BESIDE_CONTENT if config.content_dim else FIRST
    weights["ids"] = torch.randn(items, config.dim, generator=dice) * deviation
    return {name: first.to(device).requires_grad_() for name, first in weights.items()}
