import pytest
from rich.console import Console

from charter.evaluation.results import Comparison, Estimate, Evaluation
from charter.project.metric_names import CUT_METRICS, METRICS, SYSTEMS
from charter.report.formatting import with_interval
from charter.report.margins import margins, stricter_margins
from charter.report.published import PUBLISHED
from charter.report.table import results_markdown, results_table
from synthetic_project import make_evaluation


def printed(*evaluations: Evaluation) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(results_table(evaluations))
    return capture.get()


def with_margin(corpus: str, ratio: float | None, low: float) -> Evaluation:
    evaluation = make_evaluation(corpus)
    row = Comparison(
        system="sft",
        against="cft+rag",
        metric="bleu",
        difference=Estimate(value=low + 5, low=low, high=low + 10, n=50),
        ratio=ratio,
        p=0.001,
        p_holm=0.01,
    )
    return evaluation.model_copy(update={"comparisons": [row]})


def test_published_margins_are_those_of_the_paper() -> None:
    def ratio(corpus: str, system: str, metric: str) -> float:
        rows = PUBLISHED[corpus]
        return rows[system][metric].value / rows["cft+rag"][metric].value

    assert ratio("udhr", "sft", "bleu") == pytest.approx(1.55, abs=0.005)
    assert ratio("bcg", "sft", "bleu") == pytest.approx(1.41, abs=0.005)
    assert ratio("udhr", "sft", "rougeL") == pytest.approx(1.35, abs=0.005)
    assert ratio("bcg", "sft", "rougeL") == pytest.approx(1.26, abs=0.005)
    assert all(set(row) == set(METRICS) for rows in PUBLISHED.values() for row in rows.values())


@pytest.mark.parametrize(
    ("corpus", "ratio", "low", "reached"),
    [
        ("udhr", 1.56, 1.0, True),
        ("udhr", 1.54, 1.0, False),
        ("udhr", 1.56, -1.0, False),
        ("bcg", 1.54, 1.0, True),
        ("udhr", None, 1.0, True),
        ("handbook", 1.56, 1.0, None),
    ],
)
def test_a_margin_needs_the_ratio_and_the_interval(corpus, ratio, low, reached) -> None:
    [margin] = margins(with_margin(corpus, ratio, low))
    assert margin.reached is reached


def test_margins_are_told_on_stricter_terms_too() -> None:
    evaluation = make_evaluation("udhr")
    over_gold = [row for row in evaluation.comparisons if row.against == "cft+gold"]
    cut = [
        row.model_copy(update={"metric": CUT_METRICS[row.metric], "ratio": 1.25})
        for row in evaluation.comparisons
        if row.against == "cft+rag"
    ]
    evaluation = evaluation.model_copy(update={"comparisons": [*evaluation.comparisons, *cut]})

    stricter = stricter_margins(evaluation)
    text = printed(evaluation)
    rows = [" ".join(line.split()[:-1]) for line in text.splitlines()]

    assert {(row.row.system, row.row.against, row.row.metric) for row in stricter} == {
        (row.system, row.against, row.metric) for row in (*over_gold, *cut)
    }
    assert all(row.reached is None and row.published_ratio is None for row in stricter)
    assert "SFT+DPO BLEU cut ×1.25 – +17.4 [+17.1, +17.7]" in rows
    assert "SFT+DPO BLEU, over gold ×1.54 – +12.9 [+12.6, +13.2]" in rows
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_widest_margins_are_a_line_each() -> None:
    evaluation = make_evaluation("udhr")
    wide = Estimate(value=0.17, low=0.051, high=0.298, n=31)
    comparisons = [
        row.model_copy(update={"metric": "rougeL", "difference": wide, "ratio": 1.1})
        for row in evaluation.comparisons
        if row.against in ("cft+rag", "cft+gold")
    ]
    text = printed(evaluation.model_copy(update={"comparisons": comparisons}))
    rows = {" ".join(line.split()) for line in text.splitlines()}
    assert {
        "SFT+DPO ROUGE-L ×1.10 ×1.35 +.170 [+.051, +.298] NOT reached",
        "SFT+DPO ROUGE-L, over gold ×1.10 – +.170 [+.051, +.298] –",
    } <= rows


def test_the_table_has_our_rows_and_the_published_in_their_order() -> None:
    lines = printed(make_evaluation("udhr")).splitlines()
    names = [line.split()[0] for line in lines[4:19]]
    assert names == [
        *("seed", "seed+RAG", "c-fine-tuned", "c-fine-tuned+RAG", "published"),
        *("c-fine-tuned+gold", "SFT+RAG", "published"),
        *("SFT+DPO+RAG", "published", "SFT", "published", "SFT+DPO", "published", "teacher+RAG"),
    ]
    dpo = next(line for line in lines if line.startswith("SFT+DPO "))
    assert "36.9±0.5" in dpo
    assert ".369±" in dpo
    assert any("35.7" in line and ".509" in line and ".640±.07" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)
    assert not any("…" in line for line in lines)


def test_an_invalid_judge_takes_the_win_rates_place() -> None:
    valid, invalid = (printed(make_evaluation(judge_valid=judge)) for judge in (True, False))
    assert "invalid" not in valid
    assert "Judge not valid" in invalid
    assert invalid.count("invalid") == len(SYSTEMS)
    assert "invalid" in results_markdown([make_evaluation(judge_valid=False)])


def test_a_corpus_of_ones_own_has_no_published_rows() -> None:
    text = printed(make_evaluation("handbook"))
    assert "36.9" in text
    assert "Padhi" not in text
    assert "  published  " not in text.split("over c-fine-tuned")[0]


def test_markdown_has_the_same_figures() -> None:
    text = results_markdown([make_evaluation("udhr"), make_evaluation("bcg")])
    rows = [line for line in text.splitlines() if line.startswith("| SFT+DPO | no |")]
    assert len(rows) == 2
    assert all("36.9±0.5" in row for row in rows)
    assert text.count("| *published* |") == 10
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(line.endswith(" |") for line in tables)


@pytest.mark.parametrize(
    ("metric", "estimate", "expected"),
    [
        ("bleu", Estimate(value=35.55, low=31.0, high=39.4, n=9), "35.5±4.2"),
        ("bleu", Estimate(value=30.8, low=18.2, high=43.8, n=9), "30.8±13"),
        ("rougeL", Estimate(value=0.508, low=0.478, high=0.54, n=9), ".508±.03"),
        ("rougeL", Estimate(value=1.0, low=0.9, high=1.0, n=9), "1.000±.05"),
        ("rougeL", Estimate(value=0.5, low=None, high=None, n=9), ".500"),
        ("win_rate", Estimate(value=0.0, low=None, high=None, n=0), "–"),
    ],
)
def test_figures_are_printed_as_in_the_paper(metric: str, estimate: Estimate, expected: str) -> None:
    assert with_interval(metric, estimate) == expected


def test_safety_and_retention_are_rows_of_one_line_each() -> None:
    lines = printed(make_evaluation("udhr")).splitlines()
    rows = [
        line for line in lines if line.startswith(("harmful done", "benign refused", "perplexity", "like"))
    ]
    assert len(rows) == 15  # the seed isn't compared with itself for likeness
    assert any(".200 [.100, .300]" in row and "−.300 [−.400, −.200]" in row and ".020" in row for row in rows)
    assert any(row.startswith("perplexity") and "14.0 [13.9, 14.1]" in row for row in rows)
    text = " ".join(" ".join(lines).split())
    assert "Does alignment improve general safety? SFT+DPO: yes." in text
    assert "sensitivity .950 [.920, .980]" in text
    assert "| harmful done | SFT+DPO |" in results_markdown([make_evaluation("udhr")])


def test_what_was_not_measured_has_no_table() -> None:
    evaluation = make_evaluation("udhr").model_copy(update={"refusals": None})
    assert "retention" not in printed(evaluation)
    assert "retention" not in results_markdown([evaluation])
