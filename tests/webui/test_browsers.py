"""The scripts and styles use nothing that Safari 16.4 or Firefox 128 (ESR) lack.

Each entry is a feature that came later, the version that brought it, a pattern that finds it, and
an example that the pattern must find. After the tables of MDN and caniuse.com.
"""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "webui" / "allin1_mlx_ui" / "static"
DISPLAY = ROOT / "core" / "allin1_mlx" / "display"
SOURCES = sorted(
    path
    for folder in (STATIC, DISPLAY)
    for path in folder.rglob("*")
    if path.suffix in (".js", ".css")
)
SCRIPTS = [path for path in SOURCES if path.suffix == ".js"]
STYLES = [path for path in SOURCES if path.suffix == ".css"]


class Feature(NamedTuple):
    name: str
    since: str
    pattern: str
    example: str


IN_SCRIPTS = (
    Feature("Object.groupBy", "Safari 17.4", r"\b(Object|Map)\.groupBy\(", "Map.groupBy(a, f)"),
    Feature("Promise.withResolvers", "Safari 17.4", r"withResolvers\(", "Promise.withResolvers()"),
    Feature("Promise.try", "Safari 18.2", r"\bPromise\.try\(", "Promise.try(f)"),
    Feature("iterator helpers", "Safari 18.4",
            r"\bIterator\.|\.(values|keys|entries)\(\)\.(?!next\b)",
            "map.values().map(f)"),
    Feature("set methods", "Safari 17",
            r"\.(union|intersection|difference|symmetricDifference|isSubsetOf|isSupersetOf|"
            r"isDisjointFrom)\(", "a.union(b)"),
    Feature("regular expressions with v", "Safari 17", r"/[a-z]*v[a-z]*\.(test|exec)\(",
            "/[a--b]/v.test(x)"),
    Feature("RegExp.escape", "Safari 18.2", r"RegExp\.escape\(", "RegExp.escape(x)"),
    Feature("import attributes", "Safari 17.2", r"\bfrom\s+[\"'][^\"']+[\"']\s+with\b",
            'import a from "./a.json" with { type: "json" }'),
    Feature("URL.canParse", "Safari 17", r"\bURL\.(canParse|parse)\(", "URL.canParse(x)"),
    Feature("AbortSignal.any", "Safari 17.4", r"AbortSignal\.any\(", "AbortSignal.any([a])"),
    Feature("scrollend", "Safari 26", r"scrollend", 'on("scrollend")'),
    Feature("requestIdleCallback", "not in Safari", r"requestIdleCallback\(",
            "requestIdleCallback(f)"),
    Feature("scheduler", "not in Safari", r"\bscheduler\.", "scheduler.yield()"),
    Feature("userAgentData", "not in Safari and Firefox", r"userAgentData(?!\?\.)",
            "navigator.userAgentData.platform"),
    Feature("popover", "Safari 17", r"\b(show|hide|toggle)Popover\(", "a.showPopover()"),
    Feature("view transitions", "Safari 18", r"startViewTransition\(", "startViewTransition(f)"),
    Feature("checkVisibility", "Safari 17.4", r"checkVisibility\(", "a.checkVisibility()"),
    Feature("ArrayBuffer.transfer", "Safari 17.4", r"\.transfer(ToFixedLength)?\(",
            "buffer.transfer()"),
    Feature("Uint8Array.fromBase64", "Safari 18.2", r"\b(from|to|setFrom)(Base64|Hex)\(",
            "Uint8Array.fromBase64(x)"),
    Feature("Float16Array", "Safari 18.2", r"Float16Array|f16round", "new Float16Array(3)"),
    Feature("streams in a loop", "Safari 26", r"for await \([^)]*\.body\b",
            "for await (const part of answer.body)"),
    Feature("file pickers", "not in Safari and Firefox", r"show(Open|Save)FilePicker\(",
            "showSaveFilePicker()"),
    Feature("navigation", "Safari 26", r"\bnavigation\.", "navigation.back()"),
    Feature("setSinkId", "not in Safari", r"setSinkId\(", "context.setSinkId(x)"),
    Feature("requestClose", "Safari 18.4", r"requestClose\(", "dialog.requestClose()"),
    Feature("setHTML", "Safari 17.4 and later", r"\b(setHTML\w*|getHTML)\(", "a.setHTMLUnsafe(x)"),
    Feature("outputLatency alone", "not in Safari 16.4", r"outputLatency(?! \|\| 0)",
            "context.outputLatency + 1"),
    Feature("audioSession unguarded", "not in Firefox",
            r"^(?!.*if \(navigator\.audioSession\)).*navigator\.audioSession",
            'navigator.audioSession.type = "playback";'),
    Feature("using", "not in Safari", r"^\s*(await )?using \w+ =", "using file = open()"),
    Feature("Temporal", "not in Safari", r"\bTemporal\.", "Temporal.Now.instant()"),
    Feature("Intl.Segmenter", "Firefox 125", r"Intl\.(Segmenter|DurationFormat)",
            "new Intl.DurationFormat()"),
)  # fmt: skip
IN_STYLES = (
    Feature("light-dark", "Safari 17.5", r"light-dark\(", "color: light-dark(red, blue)"),
    Feature("nesting with &", "Safari 16.5", r"^\s*&", "  &:hover {"),
    Feature("@scope", "Safari 17.4", r"@scope\b", "@scope (.a) {"),
    Feature("@starting-style", "Safari 17.5", r"@starting-style\b", "@starting-style {"),
    Feature("@position-try", "Safari 26", r"@position-try\b", "@position-try --a {"),
    Feature("style queries", "Safari 18", r"@container[^{]*style\(", "@container style(--a: b) {"),
    Feature(
        "anchors", "Safari 26", r"\b(anchor-name|position-anchor|anchor\()", "anchor-name: --a"
    ),
    Feature("field-sizing", "Safari 26", r"field-sizing", "field-sizing: content"),
    Feature("interpolate-size", "not in Safari", r"interpolate-size", "interpolate-size: a"),
    Feature("scroll timelines", "Safari 26", r"animation-timeline", "animation-timeline: scroll()"),
    Feature(":user-valid", "Safari 16.5", r":user-(in)?valid", "input:user-invalid {"),
    Feature(":popover-open", "Safari 17", r":popover-open", ":popover-open {"),
    Feature("@view-transition", "Safari 18", r"view-transition", "@view-transition {"),
    Feature("content-visibility", "Safari 18", r"content-visibility", "content-visibility: auto"),
    Feature("CSS if", "not in Safari", r":\s*if\(", "color: if(style(--a): red)"),
    Feature("::details-content", "Safari 18.4", r"::details-content", "::details-content {"),
)


def lines_with(pattern: str, text: str) -> list[str]:
    """The lines in which a pattern occurs, without comments."""
    code = re.sub(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", "", text, flags=re.DOTALL)
    return [line.strip() for line in code.splitlines() if re.search(pattern, line)]


def find_uses(pattern: str, paths: list[Path]) -> list[str]:
    return [
        f"{path.name}: {line}"
        for path in paths
        for line in lines_with(pattern, path.read_text(encoding="utf-8"))
    ]


def test_there_are_sources_to_check() -> None:
    names = {path.name for path in SOURCES}
    assert {"main.js", "player.js", "timeline.js", "page.css", "chart.css", "saved.css"} <= names


@pytest.mark.parametrize("feature", IN_SCRIPTS, ids=lambda feature: feature.name)
def test_scripts_use_no_feature_that_came_later(feature: Feature) -> None:
    assert lines_with(feature.pattern, feature.example) == [feature.example]
    assert find_uses(feature.pattern, SCRIPTS) == [], f"needs {feature.since}"


@pytest.mark.parametrize("feature", IN_STYLES, ids=lambda feature: feature.name)
def test_styles_use_no_feature_that_came_later(feature: Feature) -> None:
    assert lines_with(feature.pattern, feature.example) == [feature.example.strip()]
    assert find_uses(feature.pattern, STYLES) == [], f"needs {feature.since}"


def find_nested_rules(text: str) -> list[str]:
    """Rules inside of other rules, which came with Safari 16.5; rules in @media are none."""
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    open_rules: list[str] = []
    nested = []
    for before, brace in re.findall(r"([^{};]*)([{};])", code):
        if brace == "{":
            if any(not rule.startswith("@") for rule in open_rules):
                nested.append(before.strip())
            open_rules.append(before.strip())
        elif brace == "}":
            open_rules.pop()
    return nested


def test_styles_have_no_nested_rules() -> None:
    assert find_nested_rules("@media print { .a { color: red } .b { color: red } }") == []
    assert find_nested_rules(".a { color: red; .b { color: red } }") == [".b"]
    found = {path.name: find_nested_rules(path.read_text(encoding="utf-8")) for path in STYLES}
    assert {name: rules for name, rules in found.items() if rules} == {}


@pytest.mark.parametrize("name", ["user-select", "backdrop-filter"])
def test_styles_that_safari_knows_by_a_prefix_have_it_too(name: str) -> None:
    for path in STYLES:
        text = path.read_text(encoding="utf-8")
        plain = re.findall(rf"^\s*{name}:", text, re.MULTILINE)
        prefixed = re.findall(rf"^\s*-webkit-{name}:", text, re.MULTILINE)
        assert len(plain) == len(prefixed), path.name


def test_the_readme_names_the_browsers() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "Safari 16.4" in readme
    assert "Firefox 128" in readme
