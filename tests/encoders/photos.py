"""Pictures and contents for the tests of the encoders."""

import io

from PIL import Image, ImageDraw

from similarity.catalog.content import ImageRef, ProductContent


def picture(colour="red", size=(60, 40), mode="RGB") -> Image.Image:
    """A disc of ``colour`` on white."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).ellipse([size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2], colour)
    return image.convert(mode)


def saved(image: Image.Image, kind="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def ref(data: bytes, name="a.png") -> ImageRef:
    return ImageRef(name, lambda limit: data[: limit + 1], etag=str(len(data)))


def content(key="1", *datas: bytes, **fields) -> ProductContent:
    images = [ref(data, f"{key}-{at}.png") for at, data in enumerate(datas)]
    return ProductContent(key=key, **{"title": f"Product {key}", "images": images, **fields})
