"""The photos of a product: photos from the file, and photos added by hand."""

from shop.feeds.images import IMPORTED_NAME, ImageFolder, ImageUnusable
from shop.feeds.product import FeedProduct, Refusal
from shop.models import Product, ProductImage

MAX_IMAGES = 20
MAX_ALT = 250


class Gallery:
    """Return the changes that make ``product`` show the photos of ``item``.

    Remove photos of an earlier import that the file no longer names, but only if all its photos
    could be read: a wrong folder must not empty the shop. Photos added by hand stay.
    """

    def __init__(self, item: FeedProduct, product: Product, folder: ImageFolder) -> None:
        self.refusals: list[Refusal] = []
        self._product = product
        wanted = self._wanted(item, folder)
        there = list(product.images.all()) if product.pk else []
        by_name = {photo.image.name: photo for photo in there}
        self._new: list[ProductImage] = []
        self._changed: list[ProductImage] = []
        for position, (name, alt) in enumerate(wanted.items()):
            photo = by_name.get(name)
            if photo is None:
                self._new.append(ProductImage(image=name, alt=alt, position=position))
            elif (photo.alt, photo.position) != (alt, position):
                photo.alt, photo.position = alt, position
                self._changed.append(photo)
        complete = item.images is not None and not self.refusals
        self._gone = [
            photo
            for photo in there
            if complete
            and photo.image.name not in wanted
            and IMPORTED_NAME.search(photo.image.name)
        ]

    @property
    def differs(self) -> bool:
        return bool(self._new or self._changed or self._gone)

    def save(self) -> int:
        """Write the changes; return how many photos were added."""
        for photo in self._gone:
            photo.delete()
        for photo in self._changed:
            photo.save(update_fields=["alt", "position"])
        for photo in self._new:
            photo.product = self._product
            photo.save()
        return len(self._new)

    def _wanted(self, item: FeedProduct, folder: ImageFolder) -> dict[str, str]:
        """Return name in the storage → alternative text, in the order of the file."""
        images = item.images or ()
        wanted: dict[str, str] = {}
        for number, image in enumerate(images[:MAX_IMAGES], start=1):
            alt = image.alt or (item.title if number == 1 else f"{item.title}, photo {number}")
            try:
                wanted.setdefault(folder.store(image.ref), alt[:MAX_ALT])
            except ImageUnusable as unusable:
                self._refuse(item, str(unusable))
        if len(images) > MAX_IMAGES:
            self._refuse(item, f"has {len(images)} images; the first {MAX_IMAGES} were taken")
        return wanted

    def _refuse(self, item: FeedProduct, reason: str) -> None:
        self.refusals.append(Refusal(item.line, item.sku, reason, kind="image"))
