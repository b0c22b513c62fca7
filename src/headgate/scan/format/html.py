"""A page in one file: nothing is loaded, nothing runs, and it can be kept with a build."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from headgate.model.finding import Finding, Outcome, TraceStep
from headgate.scan.format.interface import Report
from headgate.scan.rank import rank
from headgate.scan.text import caret, plural, printable

_STYLE = """\
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 0 0 .3rem; }
article { border: 1px solid #8884; border-left: 4px solid #888; border-radius: 8px;
  padding: .8rem 1rem; margin: 0 0 1rem; }
article.critical, article.high { border-left-color: #c0392b; }
article.medium { border-left-color: #b9770e; }
pre { margin: .5rem 0; padding: .5rem .7rem; background: #8881; border-radius: 6px;
  overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; }
mark { background: #f5b04155; color: inherit; border-bottom: 2px solid #c0392b; }
.quiet { color: #777; font-size: .9rem; }
ol { padding-left: 1.4rem; } li { margin: .3rem 0; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
"""


def render(report: Report) -> str:
    """Counts, what ran, and every finding with its line, its trace, its rank and its remedy."""
    return "\n".join(_page(report)) + "\n"


def _page(report: Report) -> Iterator[str]:
    total = sum(report.counts().values())
    title = f"{plural(total, 'finding')} in {plural(report.files, 'file')}"
    yield '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{_text(title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>"
    against = f" against {report.base}" if report.base else ""
    yield f"<h1>{_text(title)}</h1>"
    about = f"Headgate {report.version}: {report.root}{against}"
    yield f'<p class="quiet">{_text(about)}</p>'
    yield "<table><thead><tr><th>Check</th><th>Outcome</th><th></th></tr></thead><tbody>"
    for result in report.results:
        outcome = "found something" if result.outcome is Outcome.FAILED else result.outcome.value
        cells = (result.check, outcome, result.reason)
        yield "<tr>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody></table>"
    for finding in report.findings():
        yield from _finding(finding)
    allowed = list(report.allowed())
    if allowed:
        yield "<h2>Allowed by comments</h2><ul>"
        for one in allowed:
            told = f"{one.span.path}:{one.span.line} {one.rule}: {one.allowed}"
            yield f"<li>{_text(told)}</li>"
        yield "</ul>"
    skipped = dict.fromkeys(path for result in report.results for path in result.skipped)
    if skipped:
        yield f"<details><summary>Not examined: {plural(len(skipped), 'file')}</summary><ul>"
        yield from (f"<li>{_text(path)}</li>" for path in skipped)
        yield "</ul></details>"
    yield "</body>\n</html>"


def _finding(finding: Finding) -> Iterator[str]:
    span = finding.span
    yield f'<article class="{finding.severity.word}" id="{escape(finding.identity)}">'
    yield f"<h2>{_text(finding.title or finding.rule)}</h2>"
    cwe = f" · CWE-{finding.cwe}" if finding.cwe else ""
    facts = f"{finding.severity.word} · {finding.rule}{cwe} · {finding.confidence.word} confidence"
    yield f'<p class="quiet">{_text(facts)}</p>'
    yield f"<p><code>{_text(f'{span.path}:{span.line}:{span.column}')}</code></p>"
    yield f"<p>{_text(finding.message)}</p>"
    if finding.excerpt:
        start, length = caret(finding)
        parts = (
            finding.excerpt[:start],
            finding.excerpt[start : start + length],
            finding.excerpt[start + length :],
        )
        before, marked, after = map(_text, parts)
        yield f"<pre>{span.line} | {before}<mark>{marked}</mark>{after}</pre>"
    if finding.trace:
        yield "<p>The way of the data:</p><ol>"
        yield from map(_step, finding.trace)
        yield "</ol>"
    for way in finding.ways:
        yield f"<details><summary>Another way, of {plural(len(way), 'step')}</summary><ol>"
        yield from map(_step, way)
        yield "</ol></details>"
    yield from (f"<p>Assumed: {_text(one)}</p>" for one in finding.assumed)
    if finding.remedy:
        yield f"<p><strong>Remedy:</strong> {_text(finding.remedy)}</p>"
    yield f'<p class="quiet">Rank {_text(rank(finding).words)}</p></article>'


def _step(step: TraceStep) -> str:
    where = f"{step.span.path}:{step.span.line}"
    code = f"<pre>{step.span.line} | {_text(step.excerpt)}</pre>" if step.excerpt else ""
    said = f"{_text(step.text)} <span class='quiet'>({step.role.value})</span>"
    return f"<li><code>{_text(where)}</code> {said}{code}</li>"


def _text(text: str) -> str:
    return escape(printable(text))
