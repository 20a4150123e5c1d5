"""Photos by address: nothing is asked of the shop's own network, whatever a feed says."""

import ipaddress
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from similarity.catalog import remote
from similarity.catalog.paths import image_refs
from similarity.catalog.remote import FetchDelayed, FetchRefused, fetch, is_public, locate

PUBLIC = "93.184.215.14"
DOMAINS = ["cdn.example.com", "*.photos.example.com", "http://plain.example.com:8080"]


@pytest.fixture
def names(monkeypatch, settings):
    """What host names resolve to; a public address unless a test says otherwise."""
    settings.SIMILARITY = {"IMAGES": {"DOMAINS": DOMAINS}}
    known: dict[str, list[str]] = {}

    def resolve(host, port, *args, **kwargs):
        number = host.replace(".", "").isdigit()  # of the library that connects: no name to look up
        addresses = [host] if number else known.get(host, [PUBLIC])
        return [
            (socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, port))
            for ip in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return known


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://cdn.example.com/a.jpg", "/a.jpg"),
        ("https://CDN.example.com:443/a.jpg?w=3&h=%20", "/a.jpg?w=3&h=%20"),
        ("https://cdn.example.com./a.jpg", "/a.jpg"),
        ("https://cdn.example.com", "/"),
        ("https://eu.photos.example.com/é.jpg", "/%C3%A9.jpg"),
        ("http://plain.example.com:8080/x", "/x"),
    ],
)
def test_an_allowed_address_is_located(names, url, path):
    target = locate(url)
    assert (target.address, target.path) == (PUBLIC, path)


HOSTILE = [
    # other schemes
    "file:///etc/passwd",
    "ftp://cdn.example.com/a.jpg",
    "gopher://cdn.example.com:70/_x",
    "dict://cdn.example.com:11211/stat",
    "ldap://cdn.example.com/",
    "data:image/png;base64,AAAA",
    "javascript://cdn.example.com/%0aalert(1)",
    "jar:https://cdn.example.com!/",
    "http://cdn.example.com/a.jpg",
    "//cdn.example.com/a.jpg",
    "://cdn.example.com/a.jpg",
    "https:///a.jpg",
    "https://",
    "https:cdn.example.com/a.jpg",
    # other hosts
    "https://example.com/a.jpg",
    "https://cdn.example.com.evil.test/a.jpg",
    "https://evil.test/cdn.example.com/a.jpg",
    "https://evil.test?cdn.example.com",
    "https://evil.test#cdn.example.com",
    "https://evilcdn.example.com/a.jpg",
    "https://photos.example.com/a.jpg",
    "https://evilphotos.example.com/a.jpg",
    "https://cdn.example.com:8443/a.jpg",
    "https://cdn.example.com:22/",
    "https://cdn.example.com:0/",
    "https://cdn.example.com:99999/",
    "https://cdn.example.com:port/",
    "http://plain.example.com/a.jpg",
    "https://plain.example.com:8080/a.jpg",
    # user names
    "https://cdn.example.com@evil.test/a.jpg",
    "https://user:password@cdn.example.com/a.jpg",
    "https://evil.test@cdn.example.com/a.jpg",
    "https://cdn.example.com%40evil.test/a.jpg",
    # parsers that disagree
    "https://cdn.example.com\\@evil.test/a.jpg",
    "https://cdn.example.com\\.evil.test/a.jpg",
    "https://evil.test\\cdn.example.com/",
    "https:\\\\cdn.example.com/a.jpg",
    "https://cdn.example.com /a.jpg",
    " https://cdn.example.com/a.jpg",
    "https://cdn.example.com/a.jpg\r\nHost: evil.test",
    "https://cdn.example.com/\x00",
    "https://cdn.example.com\t.evil.test/",
    "https://cdn.example.com%00.evil.test/a.jpg",
    "https://cdn.example.com%2f@evil.test/",
    "https://cdn.example.com/" + "a" * 3000,
    "https://[cdn.example.com]/a.jpg",
    "https://[::1/a.jpg",
    "https://cdn..example.com/a.jpg",
    "https://-cdn.example.com/a.jpg",
    "https://*.photos.example.com/a.jpg",
    # numbers
    "https://127.0.0.1/a.jpg",
    "https://127.1/a.jpg",
    "https://0/a.jpg",
    "https://2130706433/a.jpg",
    "https://0x7f000001/a.jpg",
    "https://0x7f.0.0.1/a.jpg",
    "https://0177.0.0.1/a.jpg",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/a.jpg",
    "https://[::ffff:127.0.0.1]/a.jpg",
    "https://[fe80::1%25eth0]/a.jpg",
    "https://[64:ff9b::7f00:1]/a.jpg",
    "https://①②⑦.⓪.⓪.①/a.jpg",
    "https://localhost/a.jpg",
    "https://localhost.localdomain/a.jpg",
    "https://metadata/computeMetadata/v1/",
    "https://metadata.google.internal/",
    # look-alikes
    "https://cdn.exаmple.com/a.jpg",
    "https://cdn。evil.test/a.jpg",
    "https://ｃdn.evil.test/a.jpg",
]


def test_there_are_enough_hostile_addresses():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 60


@pytest.mark.parametrize("url", HOSTILE, ids=lambda url: ascii(url)[:60])
def test_a_hostile_address_is_refused_before_a_connection(names, url, monkeypatch):
    def connect(*args, **kwargs):
        raise AssertionError("a connection was made")

    monkeypatch.setattr(remote, "_connection", connect)
    with pytest.raises(FetchRefused):
        fetch(url, 100)


PRIVATE = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "192.0.0.8", "192.0.2.1"),  # noqa: S104
    *("198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fec0::1"),
    *("fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "64:ff9b::7f00:1", "64:ff9b::a00:1"),
    *("64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "2001:0:5ef5:79fd::1"),
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_name_that_resolves_inside_is_refused(names, address):
    names["cdn.example.com"] = [address]
    with pytest.raises(FetchRefused, match="no public address"):
        locate("https://cdn.example.com/a.jpg")


def test_one_private_address_among_public_ones_is_enough(names):
    """Which of them is connected to would be chance."""
    names["cdn.example.com"] = [PUBLIC, "10.0.0.1"]
    with pytest.raises(FetchRefused, match=r"10\.0\.0\.1"):
        locate("https://cdn.example.com/a.jpg")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::6810:84e5", "64:ff9b::808:808"])
def test_public_addresses_are_public(address):
    assert is_public(ipaddress.ip_address(address))


def test_the_address_that_was_looked_at_is_connected_to(names, monkeypatch):
    """A second look-up, by the library that connects, could say something else (rebinding)."""
    looked_up = []
    resolve = socket.getaddrinfo

    def recorded(host, *args, **kwargs):
        looked_up.append(host)
        return resolve(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", recorded)
    target = locate("https://cdn.example.com/a.jpg")
    connection = remote._connection(target, time.monotonic() + 5)
    assert looked_up == ["cdn.example.com"]
    assert connection.host == PUBLIC
    assert connection.server_hostname == connection.assert_hostname == "cdn.example.com"
    assert connection.cert_reqs in (2, "CERT_REQUIRED")


#: How long a server does that holds on: far longer than a busy machine takes to leave it.
HOLDS_ON_S = 20


class Photos(BaseHTTPRequestHandler):
    seen: list[str] = []

    def do_GET(self):
        self.seen.append(self.path)
        if self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            for _ in range(int(HOLDS_ON_S / 0.05)):
                self.wfile.write(b"x")
                time.sleep(0.05)
        elif self.path == "/silent":
            time.sleep(HOLDS_ON_S)
        elif self.path == "/slow-headers":
            for byte in b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        elif self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path == "/missing":
            self.send_error(404)
        elif self.path.startswith("/status/"):
            self.send_error(int(self.path.removeprefix("/status/")))
        elif self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b"half of it")
        elif self.path == "/garbage":
            self.wfile.write(b"\xff\xfe not http at all\r\n\r\n")
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"photo" * 1000)

    def handle(self):
        with suppress(OSError):  # the client left, as it should
            super().handle()

    def log_message(self, *args):
        pass


@pytest.fixture
def server(names, monkeypatch, settings):
    """A server on the loopback address, which counts as public here."""
    Photos.seen = []
    http = ThreadingHTTPServer(("127.0.0.1", 0), Photos)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    port = http.server_address[1]
    settings.SIMILARITY = {"IMAGES": {"DOMAINS": [f"http://cdn.example.com:{port}"]}}
    monkeypatch.setattr("similarity.catalog.remote.FETCH_TIMEOUT_S", HOLDS_ON_S)
    names["cdn.example.com"] = ["127.0.0.1"]
    public = remote.is_public
    monkeypatch.setattr(
        remote, "is_public", lambda address: str(address) == "127.0.0.1" or public(address)
    )
    yield f"http://cdn.example.com:{port}"
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def impatient(server, settings, monkeypatch):
    """The same server, by which nobody waits for long."""
    monkeypatch.setattr("similarity.catalog.remote.FETCH_TIMEOUT_S", 0.5)
    return server


def test_a_photo_is_fetched_by_its_limit(server):
    assert fetch(f"{server}/a.jpg", 10_000) == b"photo" * 1000
    assert fetch(f"{server}/a.jpg", 7) == b"photopho"


def test_a_redirect_on_the_same_domain_is_followed(server):
    assert fetch(f"{server}/to//b.jpg", 10).startswith(b"photo")
    assert Photos.seen == ["/to//b.jpg", "/b.jpg"]


@pytest.mark.parametrize(
    "target", ["http://evil.test/", "http://127.0.0.1:1/", "file:///etc/passwd", "//evil.test/", ""]
)
def test_a_redirect_out_is_refused(server, target):
    with pytest.raises(FetchRefused):
        fetch(f"{server}/to/{target}", 10)


def test_redirects_end(server):
    with pytest.raises(FetchRefused, match="redirects"):
        fetch(f"{server}/to//to//to//to//to//b.jpg", 10)


@pytest.mark.parametrize("path", ["/drip", "/silent", "/slow-headers"])
def test_a_server_that_holds_on_is_left_in_time(impatient, path):
    before = time.monotonic()
    with pytest.raises(FetchDelayed, match="longer than IMAGE_FETCH_TIMEOUT_S"):
        fetch(impatient + path, 10_000)
    assert time.monotonic() - before < HOLDS_ON_S / 2


def test_what_is_no_photo_is_named(server):
    with pytest.raises(FetchRefused, match="answers 404"):
        fetch(f"{server}/missing", 10)
    with pytest.raises(FetchDelayed, match="does not serve it"):
        fetch(f"{server}/garbage", 10)


@pytest.mark.parametrize(
    "path", ["/status/500", "/status/503", "/status/429", "/status/408", "/status/403"]
)
def test_a_server_that_fails_for_the_moment_is_told_from_others(server, path):
    with pytest.raises(FetchDelayed):
        fetch(server + path, 10)


@pytest.mark.parametrize("path", ["/silent", "/short"])
def test_so_is_one_that_answers_too_late_or_half(impatient, path):
    with pytest.raises(FetchDelayed):
        fetch(impatient + path, 10_000)


@pytest.mark.parametrize("path", ["/status/404", "/status/400", "/status/410", "/to//b.jpg\\"])
def test_what_will_never_be_a_photo_is_refused_for_good(server, path):
    with pytest.raises(FetchRefused) as told:
        fetch(server + path, 10)
    assert not isinstance(told.value, FetchDelayed)


def test_a_name_that_cannot_be_resolved_may_be_later(names, monkeypatch):
    def fail(*args, **kwargs):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    [ref] = image_refs(["https://cdn.example.com/a.jpg"], 1)
    with pytest.raises(FetchDelayed, match="Temporary failure"):
        ref.read(10)
    assert "Temporary failure" in ref.delayed


def test_a_private_address_is_refused_for_good(names):
    names["cdn.example.com"] = ["10.0.0.1"]
    [ref] = image_refs(["https://cdn.example.com/a.jpg"], 1)
    with pytest.raises(FetchRefused, match="no public address"):
        ref.read(10)
    assert ref.delayed == ""


def test_nobody_listening_is_an_error_of_reading(server, settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.SIMILARITY = {"IMAGES": {"DOMAINS": [f"cdn.example.com:{port}"]}}
    with pytest.raises(OSError, match=r"cdn\.example\.com.*does not serve it"):
        fetch(f"https://cdn.example.com:{port}/a.jpg", 10)


def test_a_server_that_speaks_no_tls_is_refused(server, settings):
    port = server.rsplit(":", 1)[1]
    settings.SIMILARITY = {"IMAGES": {"DOMAINS": [f"cdn.example.com:{port}"]}}
    with pytest.raises(FetchDelayed, match="does not serve it"):
        fetch(f"https://cdn.example.com:{port}/a.jpg", 10)


def test_addresses_are_left_out_until_a_domain_is_allowed(names, settings):
    address = "https://cdn.example.com/a.jpg"
    assert [ref.name for ref in image_refs([address, "b.jpg"], 4)] == [address, "b.jpg"]
    settings.SIMILARITY = {}
    assert [ref.name for ref in image_refs([address, "b.jpg"], 4)] == ["b.jpg"]
