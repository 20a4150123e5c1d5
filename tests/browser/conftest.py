"""A real Chromium against the live server."""

import io
import os
import shutil

import pytest
from django.core.files.base import ContentFile
from PIL import Image, ImageDraw
from playwright.sync_api import expect, sync_playwright

from shop.models import ProductImage

# Playwright's synchronous API runs an event loop in this thread; Django takes it for async code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

expect.set_options(timeout=30_000)  # milliseconds; by default five seconds

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: A shopper's browser: by its own name, a headless one counts as a bot.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
VIEWPORTS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 780}}


@pytest.fixture(scope="session")
def chromium():
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip("No chromium is installed: `apt-get install chromium`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium, live_server):
    """Opens a page; at the end no error was logged and no other host was asked for anything.

    ``expected`` is a status whose error the browser logs by itself, where a test provokes one.
    """
    contexts, errors, strangers = [], [], []

    def note(request):
        if not request.url.startswith((live_server.url, "data:")):
            strangers.append(request.url)

    def open_(viewport="desktop", expected=None, **options):
        options = {
            "viewport": VIEWPORTS[viewport],
            "base_url": live_server.url,
            "user_agent": AGENT,
            **options,
        }
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        told = f"status of {expected} " if expected else None
        page.on(
            "console",
            lambda m: (
                errors.append(m.text)
                if m.type == "error" and not (told and told in m.text)
                else None
            ),
        )
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", note)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []
    assert strangers == []


@pytest.fixture
def catalogue(transactional_db, make_product, settings, tmp_path):
    """Two categories of products with drawn photos."""
    settings.MEDIA_ROOT = tmp_path
    products = []
    for number, colour in enumerate(["navy", "olive", "crimson", "teal", "gold", "black"]):
        product = make_product(
            name=f"{colour.capitalize()} lamp with a rather long name",
            category="Lamps" if number < 4 else "Chairs",
            attributes={"colour": colour},
        )
        for position in range(2):
            photo = Image.new("RGB", (224, 300), "white")
            ImageDraw.Draw(photo).ellipse([50, 50 + 20 * position, 170, 250], fill=colour)
            data = io.BytesIO()
            photo.save(data, "PNG")
            row = ProductImage(product=product, position=position)
            row.image.save(f"{number}-{position}.png", ContentFile(data.getvalue()))
        products.append(product)
    return products
