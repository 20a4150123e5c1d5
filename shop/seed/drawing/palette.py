"""Named colours of the catalogue, and arithmetic on them."""

Rgb = tuple[float, float, float]


def rgb(code: str) -> Rgb:
    """``"1f2a44"`` as three numbers 0–1."""
    return tuple(int(code[at : at + 2], 16) / 255 for at in (0, 2, 4))  # type: ignore[return-value]


COLOURS: dict[str, Rgb] = {
    name: rgb(code)
    for name, code in {
        "black": "1e1e21",
        "charcoal": "43464c",
        "grey": "8f9398",
        "silver": "c3c7cb",
        "white": "f4f3f0",
        "ivory": "efe8d8",
        "beige": "d9c8ab",
        "sand": "c9b391",
        "camel": "b98a54",
        "tan": "a96f3f",
        "brown": "6a4630",
        "chestnut": "7e3f26",
        "navy": "22304f",
        "blue": "2f5fa8",
        "sky blue": "93bbdd",
        "indigo": "3a4877",
        "teal": "1d6f75",
        "turquoise": "3fa9a8",
        "green": "3c7d4a",
        "forest green": "264a37",
        "olive": "6b6c3d",
        "sage": "a3b096",
        "mint": "b7dcc9",
        "mustard": "d29f2c",
        "yellow": "f0cc4a",
        "orange": "e0792f",
        "rust": "a94f2a",
        "terracotta": "c0674a",
        "coral": "e9806e",
        "red": "bf2f34",
        "burgundy": "6d2233",
        "pink": "df8ba6",
        "blush": "edc9c2",
        "lilac": "b7a3cf",
        "plum": "5e3358",
        "gold": "c9a14a",
        "copper": "b87350",
        "oak": "cfa870",
        "walnut": "6e4a32",
        "beech": "dcbb8c",
        "acacia": "9a633a",
        "bamboo": "dfc07f",
        "natural": "d6c3a0",
    }.items()
}


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """``share`` of ``b`` in ``a``."""
    return tuple(x + (y - x) * share for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def darker(colour: Rgb, by: float = 0.3) -> Rgb:
    return mix(colour, (0.04, 0.04, 0.06), by)


def lighter(colour: Rgb, by: float = 0.3) -> Rgb:
    return mix(colour, (1.0, 1.0, 1.0), by)


def brightness(colour: Rgb) -> float:
    """Perceived lightness, 0–1."""
    return 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]


def edge(colour: Rgb) -> Rgb:
    """A line that shows on the colour: darker, or lighter on what is nearly black."""
    return darker(colour, 0.35) if brightness(colour) > 0.22 else lighter(colour, 0.2)
