"""Tiny networks of every kind, saved as users save them, for the tests of the encoders."""

import json
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from similarity.encoders import device

WORDS = ("red", "blue", "green", "shirt", "dress", "shoe", "bag", "for", "men", "women", "the")
COLOURS = {"red": (220, 20, 30), "blue": (20, 40, 210), "green": (20, 160, 40)}
NORMALISED = {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.25, 0.3]}
SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}
VISION = {**SIZES, "image_size": 32, "patch_size": 8}


def save_tokenizer(folder: Path, *, special: bool = True, pad: bool = True) -> int:
    """A word-level tokeniser; returns the size of its vocabulary."""
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        eos_token="[SEP]",
        model_max_length=16,
        **({"pad_token": "[PAD]"} if pad else {}),
    ).save_pretrained(folder)
    return len(tokens)


def save_bert(folder: Path, pooling: str | None = None) -> Path:
    torch.manual_seed(1)
    size = save_tokenizer(folder)
    config = transformers.BertConfig(vocab_size=size, max_position_embeddings=16, **SIZES)
    transformers.BertModel(config).save_pretrained(folder)
    if pooling:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps({pooling: True}))
    return folder


def save_llama(folder: Path) -> Path:
    """A decoder whose tokeniser, as is usual there, has no padding token."""
    torch.manual_seed(2)
    size = save_tokenizer(folder, special=False, pad=False)
    config = transformers.LlamaConfig(
        vocab_size=size, max_position_embeddings=16, pad_token_id=None, **SIZES
    )
    transformers.LlamaModel(config).save_pretrained(folder)
    return folder


def save_t5(folder: Path) -> Path:
    torch.manual_seed(3)
    size = save_tokenizer(folder)
    config = transformers.T5Config(
        vocab_size=size, d_model=32, d_kv=8, d_ff=48, num_layers=2, num_heads=2,
        decoder_start_token_id=0,
    )  # fmt: skip
    transformers.T5Model(config).save_pretrained(folder)
    return folder


def save_clip(folder: Path) -> Path:
    torch.manual_seed(4)
    size = save_tokenizer(folder)
    text = {**SIZES, "vocab_size": size, "max_position_embeddings": 16, "eos_token_id": 3}
    config = transformers.CLIPConfig(
        text_config={**text, "bos_token_id": 2, "pad_token_id": 0},
        vision_config=VISION,
        projection_dim=24,
    )
    transformers.CLIPModel(config).save_pretrained(folder)
    save_processor(folder)
    return folder


def save_clip_that_knows_colours(folder: Path, steps: int = 24) -> Path:
    """A CLIP that has learned the contrastive way which word of :data:`COLOURS` names which
    square, behind the prompt that queries have."""
    save_clip(folder)
    model = transformers.CLIPModel.from_pretrained(folder).train()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokens = tokenizer([f"a photo of {name}" for name in COLOURS], return_tensors="pt")
    rgb = torch.tensor(list(COLOURS.values())).view(-1, 3, 1, 1).expand(-1, 3, 32, 32)
    mean, std = (torch.tensor(NORMALISED[of]).view(1, 3, 1, 1) for of in ("mean", "std"))
    pixels = ((rgb / 255) - mean) / std
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    with device.one_thread():  # so small a network is the faster for it
        for _step in range(steps):
            optimiser.zero_grad()
            noisy = pixels + 0.1 * torch.randn_like(pixels)
            told = model(tokens["input_ids"], noisy, tokens["attention_mask"], return_loss=True)
            told.loss.backward()
            optimiser.step()
    model.save_pretrained(folder)
    return folder


def save_siglip(folder: Path, projection: int = 32) -> Path:
    torch.manual_seed(5)
    size = save_tokenizer(folder)
    text = {**SIZES, "vocab_size": size, "max_position_embeddings": 16}
    text["projection_size"] = projection
    config = transformers.SiglipConfig(text_config=text, vision_config=VISION)
    transformers.SiglipModel(config).save_pretrained(folder)
    save_processor(folder)
    return folder


def save_vit(folder: Path) -> Path:
    torch.manual_seed(6)
    config = transformers.ViTConfig(**VISION)
    transformers.ViTModel(config, add_pooling_layer=False).save_pretrained(folder)
    save_processor(folder)
    return folder


def save_clip_vision(folder: Path) -> Path:
    torch.manual_seed(7)
    transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**VISION)).save_pretrained(folder)
    save_processor(folder)
    return folder


def save_convnext(folder: Path) -> Path:
    """A transformers model without attention or class token."""
    torch.manual_seed(8)
    config = transformers.ConvNextConfig(
        hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], image_size=32
    )
    transformers.ConvNextModel(config).save_pretrained(folder)
    save_processor(folder)
    return folder


def save_processor(folder: Path) -> None:
    (folder / "preprocessor_config.json").write_text(
        json.dumps(
            {
                "image_processor_type": "CLIPImageProcessor",
                "size": {"shortest_edge": 32},
                "crop_size": {"height": 32, "width": 32},
                "image_mean": NORMALISED["mean"],
                "image_std": NORMALISED["std"],
            }
        )
    )
