"""Plain text from a shop's stored texts: HTML, escaped HTML, CDATA, stray control characters.

Importer, search documents and encoders read texts through this module, so that all of them see the
same words. The cost grows only with the length of a text.
"""

import html
import re
import unicodedata
from html.entities import html5

#: Most characters of mark-up and text that are read, without embedded pictures.
MOST_READ = 1 << 20
#: Most characters returned, unless the caller asks for fewer.
MOST = 50_000
#: Most tags of a text that are read; the rest is left out.
MOST_TAGS = 50_000
#: Shops escape a text two or three times by mistake. Only hostile text goes deeper.
ROUNDS = 8

_LINE, _PARAGRAPH = "\x1e", "\x1d"  # breaks from mark-up, until all mark-up is gone


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS = _names(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt "
    "fieldset figcaption figure footer form frameset h1 h2 h3 h4 h5 h6 header hgroup hr html "
    "legend li listing main menu nav ol optgroup option p pre section summary table tbody tfoot "
    "thead title tr ul xmp"
)
_SPACED = _names(
    "audio base button canvas embed frame iframe img input link meta object param picture select "
    "source td textarea th track video"
)
_INLINE = _names(
    "a abbr acronym applet area b basefont bdi bdo big blink cite code col colgroup data datalist "
    "del dfn em font i ins kbd label map mark marquee math meter nobr noframes noscript output "
    "progress q rp rt ruby s samp search slot small span strike strong sub sup time tt u var wbr"
)
#: Elements whose content a browser does not show as words.
_UNREAD = _names("head script style svg template")
#: Elements that hide everything after them if they are not closed.
_RAW = _names("script style")
_KNOWN = _BLOCKS | _SPACED | _INLINE | _UNREAD

_SUSPECT = re.compile(r"[<&]|\]\]>")
# Possessive throughout, so that a text of a million brackets is read once.
_MARKUP = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|(?P<open><!\[CDATA\[)|(?P<close>\]\]>)"
    r"|<(?:![a-z\[]|\?[a-z])[^<>]*+>"
    r"|<(?P<slash>/?)(?P<name>[a-z][\w:.-]*+)"
    r"(?P<rest>(?:[^<>\"'=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+>|[^<>]*+(?:>|\Z))",
    re.IGNORECASE | re.DOTALL,
)
_CLOSING = re.compile(r"</([a-z][\w:.-]*+)\s*+>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"[\w:-]\s*+=\s*+\S")
_EMBEDDED = re.compile(r"data:[\w/+.;=-]{0,100};base64,[A-Za-z0-9+/=\r\n]{32,}+", re.IGNORECASE)
_ESCAPED_AGAIN = re.compile(r"&(?:(?:amp|#0{0,5}38|#x0{0,5}26);)++", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?:#(?:[0-9]{1,7};|[0-9]{2,7}|x[0-9a-f]{1,6};?)|[a-z][a-z0-9]{1,31};|(?:nbsp|amp|lt|gt|quot)(?![\w;=]))",
    re.IGNORECASE,
)
#: Private-use glyphs belong to icon fonts and have no meaning elsewhere.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1c\x1f\x7f-\x9f\u2028\u2029\ue000-\uf8ff\ufff9-\ufffb\ufffe\uffff]"
)
#: Hyphens and marks without a width of their own. Joiners belong to a letter, so they stay.
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ud800-\udfff]"
)


def plain_text(text: str, most: int = MOST) -> str:
    """Return the readable text of ``text``, at most ``most`` characters.

    Block elements become line breaks, list items get a bullet. Escapes are undone until all are
    gone. A ``<`` that opens no tag stays (``chest < 90 cm``). A second call has no effect.
    """
    text = text.replace(_LINE, " ").replace(_PARAGRAPH, " ")
    text = _without_markup(_without_files(text)[:MOST_READ], 4 * most + 1000)
    text = text.replace(_PARAGRAPH, "\n\n").replace(_LINE, "\n")
    text = re.sub(r"[^\S\n]+", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()[:most].rstrip()


def plain_line(text: str, most: int = MOST) -> str:
    """Return :func:`plain_text` on one line and without bullets for titles and values."""
    if text.isascii() and text.isprintable() and not _SUSPECT.search(text):
        return " ".join(text[:MOST_READ].split())[:most].rstrip()
    words = plain_text(text, most).split()
    return " ".join(word for word in words if word != "•")


def _without_markup(text: str, most: int) -> str:
    """Remove tags and undo escapes in turns, because each may hide the other."""
    text = _normalised(text)
    for _ in range(ROUNDS):
        if not _SUSPECT.search(text):
            return text
        plain = _normalised(_unescaped(_without_tags(_without_files(text), most))[:most])
        if plain == text:
            return text
        text = plain
    return re.sub(r"[<&]|\]\]>", " ", text)


def _without_files(text: str) -> str:
    return _EMBEDDED.sub("", text) if "base64," in text else text


def _normalised(text: str) -> str:
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    text = _CONTROL.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", text))


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    return _ENTITY.sub(_character, _ESCAPED_AGAIN.sub("&", text))


def _character(entity: re.Match[str]) -> str:
    """Return an entity's character; a break as a space, unlike the breaks of mark-up."""
    name = entity[0]
    if name[1] != "#" and name.endswith(";") and name[1:] not in html5:
        return name
    return re.sub("[\x1d\x1e\ufffd]", " ", html.unescape(name))


def _without_tags(text: str, most: int) -> str:
    """Return ``text`` without tags, comments and hidden parts; stop after ``most`` characters."""
    reader = _TagReader(text)
    at = 0
    for _ in range(MOST_TAGS):
        found = _MARKUP.search(text, at)
        if found is None or reader.length >= most:
            return reader.end(len(text))
        at = reader.take(found)
    return reader.end(at)


class _TagReader:
    """A reader that passes over a text once, from tag to tag."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.length = 0
        self._at = 0
        self._parts: list[str] = []
        self._in_cdata = self._has_blocks = False
        self._never_closed: set[str] = set()
        self._closed: set[str] | None = None

    def take(self, found: re.Match[str]) -> int:
        """Take the text before ``found`` and the effect of ``found``; return the next position."""
        self._keep(self.text[self._at : found.start()])
        self._at = found.end()
        name = (found["name"] or "").lower()
        if name and self._is_tag(name, found):
            self._take_tag(name, bool(found["slash"]))
        elif name or (found["close"] and not self._in_cdata):
            # Only its first character is certain to be text.
            self._at = found.start() + 1
            self._keep(found[0][0])
        elif found["open"] or found["close"]:
            self._in_cdata = bool(found["open"])
        return self._at

    def end(self, stop: int) -> str:
        self._keep(self.text[self._at : stop])
        text = "".join(self._parts)
        # As in a browser, a line break beside block elements is a space.
        return text.replace("\n", " ") if self._has_blocks else text

    def _keep(self, part: str) -> None:
        self._parts.append(part)
        self.length += len(part)

    def _is_tag(self, name: str, found: re.Match[str]) -> bool:
        rest = found["rest"]
        if not rest.endswith(">") and found.end() == len(self.text):
            # The text ends inside a tag: "a <b" may be text, "<img src=" is not.
            return bool(found["slash"] and not rest.strip()) or bool(name in _KNOWN and "=" in rest)
        if not re.match(r"[\s/>]", rest) or not rest.endswith(">"):
            return False
        if len(name) == 1 and re.match(r"\s+[^\s=/>]+[\s/>]", rest):
            return False  # "a <b and c> d"
        if name in _KNOWN or (":" in name and not name.endswith(":")):
            return True
        return rest.endswith("/>") or bool(_ATTRIBUTE.search(rest)) or self._is_closed(name)

    def _is_closed(self, name: str) -> bool:
        if self._closed is None:
            self._closed = {closing.lower() for closing in _CLOSING.findall(self.text)}
        return name in self._closed

    def _take_tag(self, name: str, is_closing: bool) -> None:
        if name == "p":
            self._keep(_PARAGRAPH if is_closing else _LINE)
        elif name == "li":
            self._keep("" if is_closing else f"{_LINE}• ")
        elif name in _BLOCKS:
            self._keep(_LINE)
        elif name in _SPACED:
            self._keep(" ")
        self._has_blocks = self._has_blocks or name in _BLOCKS
        if name in _UNREAD and not is_closing:
            self._skip(name)

    def _skip(self, name: str) -> None:
        """Continue after the end of an element that is not read."""
        if name in self._never_closed:
            return
        closing = re.compile(rf"</{name}\b[^<>]*+>?", re.IGNORECASE).search(self.text, self._at)
        if closing:
            self._at = closing.end()
        elif name in _RAW:
            self._at = len(self.text)
        else:
            self._never_closed.add(name)
