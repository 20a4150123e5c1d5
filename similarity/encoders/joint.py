"""The image part by a network of two towers that puts words and photos in one space."""

from collections.abc import Sequence
from functools import cached_property

from similarity.encoders.base import Encoded
from similarity.encoders.image import VisionEncoder
from similarity.encoders.pretrained import read_json
from similarity.encoders.text import TransformerTextEncoder
from similarity.encoders.weights import model_folder
from similarity.exceptions import EncoderError

TOWERS = ("text_config", "vision_config")


class JointEncoder(VisionEncoder):
    """An encoder of photos like :class:`VisionEncoder`, and of words so that they find photos.

    It runs CLIP (Radford et al. 2021), SigLIP (Zhai et al. 2023) and other networks of transformers
    with a text and an image tower of one output. A version made with it names it in its record of
    encoders. Search then also asks for a query's vector in the image space.

    ``model``
        a folder, or an installed package that carries a model, with both towers, the tokeniser
        and the image processor; safetensors weights only, without downloads.
    ``query_prompt``
        put before each query, because CLIP has learned captions, and not single words.
    ``max_tokens``
        longer queries are cut; the model's own limit (77 of CLIP, 64 of SigLIP) holds if
        it is lower.
    ``fit``, ``first_share``
        as of :class:`VisionEncoder`.
    """

    def __init__(
        self,
        model: str,
        query_prompt: str = "a photo of ",
        max_tokens: int = 64,
        fit: str = "stretch",
        first_share: float = 0.4,
    ) -> None:
        super().__init__(model, pooling="pooler", fit=fit, first_share=first_share)
        #: The text tower of the same folder, loaded at the first query. A worker that only embeds
        #: products never needs it.
        self._words = TransformerTextEncoder(
            model, pooling="pooler", max_tokens=max_tokens, query_prompt=query_prompt
        )

    @cached_property
    def signature(self) -> str:
        self._check_towers()
        about = super().signature.removesuffix(")")
        return (
            f"{about}, query_prompt={self._words.query_prompt!r}, "
            f"max_tokens={self._words.max_tokens})"
        )

    def encode_texts(self, texts: Sequence[str]) -> Encoded:
        """Encode N free texts into the space of the photos: unit rows (N, D) and a mask.

        Raises :class:`EncoderError` if the towers' outputs differ in length.
        """
        self._check_towers()
        encoded = self._words.encode_texts(texts)
        if encoded.vectors.shape[1] != self.dimension:
            raise EncoderError(
                f"The model {self.model!r} makes {encoded.vectors.shape[1]} numbers of a text and "
                f"{self.dimension} of a photo, which do not compare; choose a CLIP or SigLIP model."
            )
        return encoded

    def _check_towers(self) -> None:
        """Raise :class:`EncoderError` for a missing tower, before any weights are read."""
        missing = set(TOWERS) - read_json(model_folder(self.model) / "config.json").keys()
        if missing:
            raise EncoderError(
                f"The model {self.model!r} has no {min(missing)} in its config.json: it is no "
                "model of text and images. Choose a CLIP or SigLIP model, or use "
                "similarity.encoders.image.VisionEncoder for photos alone."
            )
