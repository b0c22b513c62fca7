"""`headgate simulate` as people and programs call it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_support import Say


def test_policies_side_by_side(say: Say):
    said = say("simulate", "--mix", "easy", "--rate", "40", "--slots", "8", "--hours", "1")

    for name in ("oracle", "single", "chain", "optimistic", "submitqueue", "ours"):
        assert name in said.out


def test_the_object(say: Say, tmp_path: Path):
    plots = tmp_path / "plots.html"
    said = say(
        "simulate",
        "--mix",
        "hard",
        "--rate",
        "30",
        "--slots",
        "30",
        "--hours",
        "1",
        "--seed",
        "7",
        "--policy",
        "ours",
        "--policy",
        "chain",
        "--html",
        str(plots),
        "--json",
    )
    found = said.object
    assert found["settings"]["seed"] == 7
    assert set(found["policies"]) == {"chain", "ours"}
    for summary in found["policies"].values():
        assert {
            "p50_over_oracle",
            "p95_over_oracle",
            "p99_over_oracle",
            "builds_per_change",
            "decided",
            "untested_landings",
        } <= set(summary)
        assert summary["untested_landings"] == 0
        assert summary["decided"] == found["settings"]["changes"]
    assert "<svg" in plots.read_text()


def test_a_trace(say: Say, tmp_path: Path):
    file = tmp_path / "trace.csv"
    file.write_text("arrival_s,duration_s,targets,outcome\n0,60,a,passed\n1,60,a b,failed\n")
    found = say("simulate", "--trace", str(file), "--json").object
    assert found["policies"]["ours"]["decided"] == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mix", "hard", "--replay"], "exclude each other"),
        (["--trace", "nowhere.csv"], "There is no file nowhere.csv"),
        (["--rate", "9000", "--hours", "900"], "Give a lower --rate"),
        (["--mix", "odd"], "odd"),
        (["--policy", "nobody"], "nobody"),
    ],
)
def test_wrong_calls(say: Say, words: list[str], told: str):
    said = say("simulate", *words, code=2)

    assert told in said.err


def test_plots_that_cannot_be_written(say: Say, tmp_path: Path):
    words = ["simulate", "--rate", "20", "--hours", "0.5", "--policy", "ours", "--html"]
    said = say(*words, str(tmp_path / "no" / "plots.html"), code=3)

    assert "cannot be written" in said.err


def test_replay_without_a_gate(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HEADGATE_DATA", str(tmp_path))
    said = say("simulate", "--replay", code=3)

    assert "There is no Headgate database" in said.err
