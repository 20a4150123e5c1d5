"""Cells as plain text: no markup, no control characters."""

import html
import re
import unicodedata
from html.parser import HTMLParser

BLOCKS = (
    r"address|article|aside|blockquote|br|dd|div|dl|dt|figure|footer|h[1-6]|header|hr|li|ol|p|pre|"
    r"section|table|tr|ul"
)
UNREAD = r"head|script|style|template|title"
OTHERS = (
    r"a|abbr|audio|b|big|body|button|center|cite|code|del|em|font|form|html|i|iframe|img|input|"
    r"ins|kbd|link|meta|s|small|source|span|strong|sub|sup|svg|t[dh]|tbody|tfoot|thead|u|video"
)
KNOWN_TAG = re.compile(rf"<!--|</?(?:{BLOCKS}|{UNREAD}|{OTHERS})(?:[\s/][^>]*)?>", re.IGNORECASE)
IS_BLOCK = re.compile(BLOCKS)
IS_UNREAD = re.compile(UNREAD)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def plain_text(text: str) -> str:
    """``text`` as paragraphs: tags become line breaks, list items get a bullet.

    Text that only happens to hold ``<`` ("chest < 90 cm") is left as it is.
    """
    if KNOWN_TAG.search(text):
        parser = _Text()
        parser.feed(text)
        parser.close()
        text = "".join(parser.parts)
    else:
        text = html.unescape(text)
    text = CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = re.sub(r"[^\S\n]+", " ", unicodedata.normalize("NFC", text))
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def one_line(text: str) -> str:
    """``plain_text`` on a single line, for titles, names and attribute values."""
    return " ".join(plain_text(text).split())


class _Text(HTMLParser):
    """Collects what a reader of the page would read."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unread = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if IS_UNREAD.fullmatch(tag):
            self._unread += 1
        elif tag == "li":
            self.parts.append("\n• ")
        elif IS_BLOCK.fullmatch(tag):
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if IS_UNREAD.fullmatch(tag):
            self._unread = max(0, self._unread - 1)
        elif tag == "p":
            self.parts.append("\n\n")
        elif tag not in ("li", "br", "hr") and IS_BLOCK.fullmatch(tag):
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unread:
            # A line break inside markup is a space, as in a browser.
            self.parts.append(re.sub(r"\s+", " ", data))
