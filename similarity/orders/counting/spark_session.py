"""Start the Spark session of an engine, and check its requirements."""

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings

from similarity import conf
from similarity.exceptions import ConfigurationError
from similarity.orders.counting import engine

#: The Java version that pyspark 4 needs.
JAVA = 17
#: PostgreSQL's JDBC driver, as installed by Debian's libpostgresql-jdbc-java. ``spark.jars`` in
#: ``SIMILARITY["ORDERS"]["SPARK"]`` can name another driver.
JDBC_DRIVER = "/usr/share/java/postgresql.jar"


def missing() -> str:
    """Return which requirement of Spark this machine lacks and how to install it; else ""."""
    for package in ("pyspark", "pyarrow"):
        if find_spec(package) is None:
            return f"{package} is not installed; run: pip install 'django-similarity[spark]'"
    java = _java()
    if java is None:
        return (
            f"Java {JAVA} is not found; install it, for example by "
            f"'apt-get install openjdk-{JAVA}-jre-headless', or set JAVA_HOME."
        )
    version = _java_version(java)
    if version < JAVA:
        return f"{java} is Java {version}, and Spark needs {JAVA} or newer; set JAVA_HOME."
    return ""


def start(options: dict[str, str] | None = None) -> Any:
    """Return the active session, or start a session.

    A new session uses ``SIMILARITY["ORDERS"]["SPARK"]`` and ``options``. Raises
    :class:`ConfigurationError` that names the missing requirement.
    """
    problem = missing()
    if problem:
        raise ConfigurationError(f"Spark cannot start: {problem}")
    from pyspark.sql import SparkSession

    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    builder = SparkSession.builder.appName("similarity")
    for key, value in {**_defaults(), **conf.get("ORDERS", "SPARK"), **(options or {})}.items():
        builder = builder.config(key, value)
    return builder.getOrCreate()


def jdbc_driver() -> Path:
    """Return the file of PostgreSQL's JDBC driver.

    Raises :class:`ConfigurationError` if the file is missing.
    """
    path = Path(conf.get("ORDERS", "SPARK").get("spark.jars", JDBC_DRIVER))
    if not path.is_file():
        raise ConfigurationError(
            f"PostgreSQL's JDBC driver is missing: there is no file {str(path)!r}; install "
            "it, for example by 'apt-get install libpostgresql-jdbc-java', or name its jar in "
            "SIMILARITY['ORDERS']['SPARK']['spark.jars']."
        )
    return path


def _defaults() -> dict[str, str]:
    """Return options for one machine.

    ``SIMILARITY["ORDERS"]["SPARK"]`` names a cluster's master.
    """
    driver = Path(JDBC_DRIVER)
    return {
        "spark.master": "local[*]",
        "spark.driver.memory": f"{max(1024, 2 * engine.MEMORY_MB)}m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Convert times to days in the same time zone as an order adapter.
        "spark.sql.session.timeZone": settings.TIME_ZONE,
        **({"spark.jars": str(driver)} if driver.is_file() else {}),
    }


def _java() -> str | None:
    home = os.environ.get("JAVA_HOME")
    if home:
        found = Path(home) / "bin" / "java"
        return str(found) if found.is_file() else None
    return shutil.which("java")


def _java_version(java: str) -> int:
    """Return the major version, or 0 if it cannot be determined."""
    try:
        told = subprocess.run(  # noqa: S603 - the machine's own Java
            [java, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    return int(found[1]) if found else 0
