"""Dashboard and alerts ask only for what ``/metrics`` tells, and Grafana's own types read them."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import similarity
from similarity.api import gauges
from similarity.connections import metrics, metrics_export

FOLDER = Path(similarity.__file__).parent.parent / "docs" / "grafana"
DASHBOARD = json.loads((FOLDER / "similarity.json").read_text())
ALERTS = FOLDER / "alerts.yml"

#: Labels that Prometheus adds to what it scrapes.
SCRAPED = {"job", "instance"}

PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
EXPRESSIONS += [
    annotation["expr"] for annotation in DASHBOARD["annotations"]["list"] if "expr" in annotation
]
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
EXPRESSIONS += [rule["expr"] for rule in RULES]


def parsed(expression):
    """As Prometheus gets it: with the variables of the dashboard filled in."""
    filled = expression.replace("$__rate_interval", "5m").replace("$job", ".+")
    assert "$" not in filled
    return promql_parser.parse(filled)


def nodes(expression):
    yield expression
    for name in ("lhs", "rhs", "expr", "param", "vector_selector", "args"):
        child = getattr(expression, name, None)
        for node in child if isinstance(child, list) else [child]:
            if node is not None and not isinstance(node, str):
                yield from nodes(node)


def selectors(expression):
    """(name, labels that are matched) of each series the expression reads."""
    for node in nodes(expression):
        if isinstance(node, promql_parser.VectorSelector):
            yield node.name, {matcher.name for matcher in node.matchers.matchers}


def kept_labels(expression):
    """Labels the results have: those of the outermost ``by``."""
    for node in nodes(expression):
        if isinstance(node, promql_parser.AggregateExpr):
            return set(node.modifier.labels) if node.modifier else set()
    return None


@pytest.fixture
def told(version, shelf):
    """name of a series → its labels, of a real answer in which everything was measured."""
    for name, metric in metrics.METRICS.items():
        labels = dict.fromkeys(metric.labels, "x")
        (metrics.observe if metric.buckets else metrics.count)(name, 1, **labels)
    families = text_string_to_metric_families(metrics_export.text(gauges.read()).decode())
    found = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def test_every_expression_names_series_and_labels_that_exist(told):
    """A metric renamed in the code would leave an empty panel, or an alert that never fires."""
    assert len(EXPRESSIONS) > 30
    for expression in EXPRESSIONS:
        tree = parsed(expression)
        read = list(selectors(tree))
        assert read
        labels = set(SCRAPED)
        for name, matched in read:
            assert name in told or name in _indexes_told(told), f"{expression}: no series {name}"
            labels |= told.get(name, {"index"})
            assert matched <= labels, f"{expression}: {name} has no label {matched - labels}"
        grouped = {
            label
            for node in nodes(tree)
            if isinstance(node, promql_parser.AggregateExpr) and node.modifier
            for label in node.modifier.labels
        }
        assert grouped <= labels, f"{expression}: grouped by {grouped - labels}"


def _indexes_told(told):
    """Told only where an index is built, which the small version of these tests has not."""
    return {"similarity_index_bytes"} if "similarity_index_bytes" not in told else set()


def test_legends_name_labels_that_the_expression_keeps():
    for panel in PANELS:
        for target in panel["targets"]:
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            kept = kept_labels(parsed(target["expr"])) - {"le"}
            assert named == kept, f"{panel['title']}: {target['expr']}"


def test_every_metric_is_on_the_dashboard():
    """What nobody can see need not be measured."""
    shown = " ".join(EXPRESSIONS)
    assert [name for name in metrics.METRICS if metrics.PREFIX + name not in shown] == []


def test_grafanas_own_types_read_every_panel():
    """The SDK that Grafana publishes, generated from its schemas."""
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.models import dashboard, prometheus, stat, timeseries

    plugins.register_default_plugins()
    read = dashboard.Dashboard.from_json(DASHBOARD)
    assert read.schema_version >= 38  # Grafana 10
    assert [variable.name for variable in read.templating.list_val] == ["datasource", "job"]
    options = {"stat": stat.Options, "timeseries": timeseries.Options}
    panels = [panel for panel in read.panels if isinstance(panel, dashboard.Panel)]
    assert len(panels) == len(PANELS)
    for panel in panels:
        assert isinstance(panel.options, options[panel.type_val]), panel.title
        assert panel.datasource.uid == "${datasource}"
        for target in panel.targets:
            assert isinstance(target, prometheus.Dataquery)
            assert target.expr in EXPRESSIONS


def test_panels_lie_beside_each_other():
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, f"{panel['title']} lies on another"
        taken |= cells


@pytest.fixture
def promtool():
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed; it is in Debian's package prometheus")
    return found


def test_prometheus_accepts_the_alerts(promtool):
    checked = subprocess.run([promtool, "check", "rules", ALERTS], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


SERIES = {
    "SimilarityDatabaseUnreachable": {"similarity_database_up": "0x200"},
    "SimilarityNoLiveVersion": {"similarity_live_version": "0x200"},
    "SimilarityNoWorkers": {"similarity_workers": "0x200"},
    "SimilarityLagging": {"similarity_outbox_lag_seconds": "1000x200"},
    "SimilarityProductsGivenUp": {'similarity_outbox_products{state="dead"}': "1x200"},
    "SimilarityCoverageLow": {"similarity_coverage_ratio": "0.9x200"},
    "SimilarityIndexInvalid": {'similarity_index_valid{version="3",column="fused"}': "0x200"},
    "SimilarityQueriesSlow": {
        'similarity_query_seconds_bucket{plan="hnsw",le="0.05"}': "0+10x200",
        'similarity_query_seconds_bucket{plan="hnsw",le="0.1"}': "0+90x200",
        'similarity_query_seconds_bucket{plan="hnsw",le="+Inf"}': "0+100x200",
    },
    "SimilarityEmbeddingFails": {'similarity_embed_errors_total{kind="image"}': "0+5x200"},
    "SimilarityCacheDown": {'similarity_cache_total{cache="shelf",result="down"}': "0+1x200"},
}
WELL = {
    "similarity_database_up": "1x200",
    "similarity_live_version": "3x200",
    "similarity_workers": "2x200",
    "similarity_outbox_lag_seconds": "1x200",
    'similarity_outbox_products{state="dead"}': "0x200",
    "similarity_coverage_ratio": "1x200",
    'similarity_index_valid{version="3",column="fused"}': "1x200",
    'similarity_cache_total{cache="shelf",result="hit"}': "0+10x200",
}


def test_each_alert_fires_on_its_trouble_and_on_no_other(promtool, tmp_path):
    assert set(SERIES) == {rule["alert"] for rule in RULES}
    tests = []
    for trouble, series in {**SERIES, "none": {}}.items():
        tests.append(
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values}
                    for name, values in {**WELL, **series}.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": "sort(count by (alertname) (ALERTS{alertstate='firing'}))",
                        "eval_time": "100m",
                        "exp_samples": [{"labels": f'{{alertname="{trouble}"}}', "value": 1}]
                        * (trouble != "none"),
                    }
                ],
            }
        )
    file = tmp_path / "alerts_test.yml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "tests": tests}))
    checked = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
