"""`python -m shop.demo up|stop|status`: the demo shop with its servers, worker and site.

`up` skips finished steps, so that a second call takes seconds. It records itself and
every process it starts under ``RUN_DIR``; `stop` ends only those.
"""

import argparse
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from shop import servers

BASE_DIR = Path(__file__).resolve().parent.parent
START_TIMEOUT_S = 60

#: Largest request: a picture to search by (5 MB), or a photo that staff uploads.
MOST_BYTES = 8 * 1024 * 1024

#: The account of the demo's first shopper, see shop.seed.accounts.
SHOPPER = "demo-7-0"

#: Names of the processes, their records and their logs.
PROCESSES = ("web", "worker", "queries", "pictures")

#: Processes started here. They outlive us, and a dropped Popen warns about that.
_children: list[subprocess.Popen[bytes]] = []


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m shop.demo", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    up_parser = actions.add_parser("up", help="start the demo, or find it running")
    up_parser.add_argument(
        "--catalog",
        type=Path,
        help="a product feed (CSV) to load instead of the demo catalogue; "
        "it gets a database of its own beside the demo's",
    )
    up_parser.add_argument("--port", type=int, default=8000, help="port of the site (8000)")
    actions.add_parser("stop", help="end what `up` started")
    actions.add_parser("status", help="say what is running")
    actions.add_parser("services", help="start PostgreSQL and Valkey alone")
    options = parser.parse_args(arguments)
    try:
        if options.action == "up":
            up(options.catalog, options.port)
        elif options.action == "stop":
            stop()
        elif options.action == "services":
            started = servers.start()
            say(f"Started {' and '.join(started)}." if started else "The services are running.")
        else:
            status()
    except KeyboardInterrupt:
        sys.exit("\nStopped half-way. `make demo` goes on from here; `make stop` ends the rest.")


def up(catalog: Path | None, port: int) -> None:
    """Start everything that is not running yet and print the addresses."""
    if catalog is not None and not catalog.is_file():
        sys.exit(f"CATALOG is {str(catalog)!r}, but there is no such file.")
    if not find("web") and port_is_taken(port):
        sys.exit(f"Port {port} is in use by another program; choose another: make demo PORT=8001")
    with recorded("up"):
        start(catalog, port)


def start(catalog: Path | None, port: int) -> None:
    """Start the servers, fill the shop, start the workers, and last the site."""
    database = database_name(catalog)
    started = servers.start(database)
    say(f"Started {' and '.join(started)}." if started else "PostgreSQL and Valkey are running.")
    if recall("database") != servers.database_url():
        for name in PROCESSES:
            end(name)
    remember("database", servers.database_url())
    setup_django()
    load(catalog)
    run("worker", worker_command(), ready=None)
    run("queries", asked_worker_command("queries"), ready=None)
    run("pictures", asked_worker_command("pictures"), ready=None)
    wait_for_vectors()
    count_orders()
    learn_of_shoppers()
    web = run("web", web_command(port), ready=f"http://127.0.0.1:{port}/")
    show(web["port"])


def stop() -> None:
    """End a running `up`, the site and the workers, then the servers."""
    # `up` first, because it would start the ended processes again.
    ended = [name for name in ("up", *PROCESSES) if end(name)]
    ended += servers.stop()
    say(f"Stopped {', '.join(ended)}." if ended else "Nothing of the demo is running.")


def status() -> None:
    for name in PROCESSES:
        process = find(name)
        say(f"{name}: {f'running, process {process.pid}' if process else 'not running'}")


def setup_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def load(catalog: Path | None) -> None:
    """Load the catalogue and create the administrator, if that is not done yet."""
    from django.core.management import call_command

    if catalog is None:
        call_command("seed_shop")
    else:
        call_command("import_catalog", str(catalog))
    make_administrator()
    make_shopper()


def make_administrator() -> None:
    from django.contrib.auth import get_user_model

    users = get_user_model()
    if not users.objects.filter(username="admin").exists():
        password = recall("admin_password") or secrets.token_urlsafe(9)
        remember("admin_password", password)
        users.objects.create_superuser("admin", "admin@example.com", password)


def make_shopper() -> None:
    """Let a developer sign in as the first of the demo's shoppers."""
    from django.contrib.auth import get_user_model

    shopper = get_user_model().objects.filter(username=SHOPPER).first()
    if shopper is not None and not shopper.has_usable_password():
        password = recall("shopper_password") or secrets.token_urlsafe(9)
        remember("shopper_password", password)
        shopper.set_password(password)
        shopper.save(update_fields=["password"])


def wait_for_vectors() -> None:
    """Follow the worker until the outbox is empty."""
    from django.core.management import call_command

    call_command("similarity", "embed", changed_only=True, wait=True)


def count_orders() -> None:
    """Count orders and propose bundles now, which workers would do later or at night."""
    from django.core.management import call_command

    from shop.models import Order

    if Order.objects.exists():
        call_command("similarity", "count-orders")
        call_command("similarity", "propose-bundles")


def learn_of_shoppers() -> None:
    """Let the worker train now, which beat would ask for at night; nothing waits for it."""
    from shop.celery import app
    from similarity.events.models import Event
    from similarity.shoppers.models import ShopperModel

    if Event.objects.exists() and not ShopperModel.objects.exists():
        for task in ("count_public_shelves", "train_shoppers"):
            app.send_task(f"similarity.{task}", queue="similarity")


def worker_command() -> list[str]:
    return [
        *(sys.executable, "-m", "celery", "-A", "shop", "worker", "--beat"),
        *("--queues", "celery,similarity", "--concurrency", "1", "--loglevel", "info"),
        *("--schedule", str(servers.RUN_DIR / "beat-schedule")),
    ]


def asked_worker_command(queue: str) -> list[str]:
    """Return the command of a separate worker for a queue that shoppers wait for."""
    return [
        *(sys.executable, "-m", "celery", "-A", "shop", "worker", "--hostname", f"{queue}@%h"),
        *("--queues", f"similarity.{queue}", "--pool", "solo", "--loglevel", "info"),
    ]


def web_command(port: int) -> list[str]:
    """Return the command of waitress, which reads a request completely before it takes a thread.

    So slow clients hold no thread, without a proxy in front of the site. A picture waits in
    memory, never on disk.
    """
    return [
        *(sys.executable, "-m", "waitress", f"--listen=127.0.0.1:{port}", "--threads=8"),
        *("--connection-limit=1000", "--asyncore-use-poll"),
        *(f"--max-request-body-size={MOST_BYTES}", f"--inbuf-overflow={MOST_BYTES}"),
        "shop.wsgi:application",
    ]


def run(name: str, command: list[str], ready: str | None) -> dict:
    """Start a process of the demo unless it runs; wait until ``ready`` answers."""
    record = process_file(name)
    if find(name):
        return json.loads(record.read_text())
    log = servers.RUN_DIR / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                "PROMETHEUS_MULTIPROC_DIR": str(servers.RUN_DIR / "metrics"),
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "shop.settings",
            },
        )
    _children.append(process)
    port = ready and int(ready.rsplit(":", 1)[1].strip("/"))
    record_process(name, process.pid, port)
    deadline = time.monotonic() + START_TIMEOUT_S
    while ready and not answers(ready):
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The {name} process did not start; its log ends:\n{tail(log)}")
        time.sleep(0.1)
    return json.loads(record.read_text())


def record_process(name: str, pid: int, port: int | None = None) -> None:
    """Write the record by which `stop` and a later `up` identify a process."""
    started_at = psutil.Process(pid).create_time()
    process_file(name).write_text(json.dumps({"pid": pid, "started_at": started_at, "port": port}))


@contextmanager
def recorded(name: str) -> Iterator[None]:
    """Record this process during the block, so that `stop` can end it.

    Raise SystemExit if another `up` runs, because both would fill the same database.
    """
    servers.RUN_DIR.mkdir(parents=True, exist_ok=True)
    if find(name):
        sys.exit("The demo is being started already. Wait for it, or end it with `make stop`.")
    signal.signal(signal.SIGTERM, _stopped)
    record_process(name, os.getpid())
    try:
        yield
    finally:
        process_file(name).unlink(missing_ok=True)


def _stopped(number: int, frame: object) -> None:
    sys.exit("\nStopped by `make stop`. `make demo` goes on from here.")


def find(name: str) -> psutil.Process | None:
    """Return the running process recorded under ``name``, not another with a reused number."""
    try:
        record = json.loads(process_file(name).read_text())
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["started_at"]) < 1
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None


def end(name: str) -> bool:
    """End the recorded process and its children; return True if it was running.

    Children that it starts while it ends, or that outlive it, are found by the session that
    :func:`run` created.
    """
    process = find(name)
    process_file(name).unlink(missing_ok=True)
    if process is None:
        return False
    family = [process, *process.children(recursive=True)]
    leaders = [one for one in family if one == process or session_of(one) == one.pid]
    send(leaders, signal.SIGTERM)  # a worker ends its pool itself
    psutil.wait_procs(leaders, timeout=10)
    sessions = {one.pid for one in leaders}
    left = {*family, *(one for one in psutil.process_iter() if session_of(one) in sessions)}
    send(left, signal.SIGKILL)
    psutil.wait_procs(list(left), timeout=5)
    _children[:] = [child for child in _children if child.poll() is None]
    return True


def send(processes: Iterable[psutil.Process], how: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(how)


def session_of(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except (ProcessLookupError, PermissionError):
        return None


def show(port: int) -> None:
    from shop.models import Product

    site = f"http://127.0.0.1:{port}"
    shown = Product.objects.available().order_by("pk")
    product = shown.filter(images__isnull=False).first() or shown.first()
    say(f"\nThe shop is running at {site}/\n")
    if product:
        say(f"  a product with its similar products   {site}{product.get_absolute_url()}")
        say(f"  the same as JSON                      {site}/api/similarity/v1/products/", end="")
        say(f"{product.pk}/similar/?explain=1")
    say(f"  search, also by a picture             {site}/search/?q=navy+dress")
    say(f"  bundles found in orders, for staff    {site}/admin/similarity_orders/bundle/")
    say(f"  the admin                             {site}/admin/", end="")
    password = recall("admin_password")
    say(f"  (admin / {password})\n" if password else "\n")
    if shopper := recall("shopper_password"):
        say(f"  a shopper with a history              {site}/account/sign-in/", end="")
        say(f"  ({SHOPPER} / {shopper})\n")
    say("`make stop` ends it; logs are in " + str(servers.RUN_DIR))


def database_name(catalog: Path | None) -> str:
    """Return a database name for each catalogue, so that switching between them keeps both."""
    if catalog is None:
        return "shop"
    where = f"{catalog.resolve().parent.name}_{catalog.stem}".lower()
    return "shop_" + re.sub(r"[^a-z0-9]+", "_", where)[:50]


def remember(name: str, value: str) -> None:
    path = servers.RUN_DIR / f"{name}.txt"
    path.touch(mode=0o600)
    path.write_text(value)


def recall(name: str) -> str | None:
    path = servers.RUN_DIR / f"{name}.txt"
    return path.read_text() if path.exists() else None


def process_file(name: str) -> Path:
    return servers.RUN_DIR / f"{name}.json"


def port_is_taken(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
