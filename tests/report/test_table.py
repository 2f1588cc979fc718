import pytest
from rich.console import Console

from charter.evaluation.exam_scoring import add_exam_scores
from charter.evaluation.results import Comparison, Estimate, Evaluation
from charter.evaluation.statistics import Resampling
from charter.project.metric_names import CUT_METRICS, METRICS, SYSTEMS, TRIVIAL
from charter.project.records import Rag, System
from charter.report.claims import margins, stricter_margins
from charter.report.formatting import with_interval
from charter.report.published import PUBLISHED
from charter.report.sentences import language_sentence
from charter.report.table import margin_rows, results_markdown, results_table
from exam_rows import advice_of, answer_of, decision_of, dilemma_of, question_of
from synthetic_project import add_judge, make_evaluation, sit_exam


def printed(*evaluations: Evaluation) -> str:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(results_table(evaluations))
    return capture.get()


def with_margin(corpus: str, ratio: Estimate | None, low: float = 1.0) -> Evaluation:
    evaluation = make_evaluation(corpus)
    row = Comparison(
        system="sft",
        against="cft+rag",
        metric="bleu",
        difference=Estimate(value=low + 5, low=low, high=low + 10, n=50),
        ratio=ratio,
        p=0.001,
        p_holm=0.01,
        smallest=11.2,
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
    ("corpus", "value", "low", "high", "reached", "words"),
    [
        ("udhr", 1.7, 1.56, 1.9, "yes", "reached"),
        ("udhr", 1.7, 1.54, 1.9, "not shown", "not shown"),
        ("bcg", 1.7, 1.54, 1.9, "yes", "reached"),
        ("udhr", 1.54, 1.2, 1.9, "no", "NOT reached"),
        ("udhr", 1.7, 1.6, None, "yes", "reached"),  # of a baseline near 0
        ("udhr", 1.7, None, None, "not shown", "not shown"),  # of a single chunk
        ("handbook", 1.7, 1.6, 1.9, None, "–"),
    ],
)
def test_a_margin_is_reached_by_the_interval_of_the_ratio(corpus, value, low, high, reached, words) -> None:
    evaluation = with_margin(corpus, Estimate(value=value, low=low, high=high, n=50))
    [margin] = margins(evaluation)
    assert margin.reached == reached
    [row] = margin_rows(evaluation)
    assert row[-1] == words


@pytest.mark.parametrize(("low", "reached"), [(0.1, "yes"), (-1.0, "not shown"), (-5.0, "no")])
def test_above_a_baseline_of_0_is_above_any_multiple_of_it(low: float, reached: str) -> None:
    evaluation = with_margin("udhr", None, low)
    assert margins(evaluation)[0].reached == reached
    assert margin_rows(evaluation)[0][2] == "–"


def test_margins_are_told_on_stricter_terms_too() -> None:
    evaluation = make_evaluation("udhr")
    over_gold = [row for row in evaluation.comparisons if row.against == "cft+gold"]
    cut = [
        row.model_copy(update={"metric": CUT_METRICS[row.metric], "p_holm": None})
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
    assert "SFT+DPO BLEU ×1.89 [1.84, 1.94] ×1.56 +17.4 .010" in rows
    assert "SFT+DPO BLEU cut ×1.89 [1.84, 1.94] – +17.4 –" in rows
    assert "SFT+DPO BLEU, over gold ×1.54 [1.49, 1.59] – +12.9 –" in rows
    assert all(len(line) <= 80 for line in text.splitlines())


def test_the_widest_margins_are_a_line_each() -> None:
    evaluation = make_evaluation("udhr")
    wide = Estimate(value=0.17, low=0.051, high=0.298, n=31)
    ratio = Estimate(value=10.1, low=0.9, high=12.21, n=31)
    comparisons = [
        row.model_copy(update={"metric": "rougeL", "difference": wide, "ratio": ratio, "p_holm": 0.0001})
        for row in evaluation.comparisons
        if row.against in ("cft+rag", "cft+gold")
    ]
    text = printed(evaluation.model_copy(update={"comparisons": comparisons}))
    rows = {" ".join(line.split()) for line in text.splitlines()}
    assert {
        "SFT+DPO ROUGE-L ×10.10 [0.90, 12.21] ×1.35 +.170 < .001 not shown",
        "SFT+DPO ROUGE-L, over gold ×10.10 [0.90, 12.21] – +.170 < .001 –",
    } <= rows


def test_what_is_too_small_to_be_found_is_said_once_a_table() -> None:
    evaluation = make_evaluation("udhr")
    said = "Differences smaller than about 11.2 in BLEU (50 items) or .070 in ROUGE-L (50 items)"
    for text in (" ".join(printed(evaluation).split()), results_markdown([evaluation])):
        assert text.count(said) == 1
    unknown = evaluation.model_copy(update={"comparisons": []})
    assert "Differences smaller" not in printed(unknown)


def test_the_table_has_our_rows_and_the_published_in_their_order() -> None:
    lines = printed(make_evaluation("udhr")).splitlines()
    names = [line.split()[0] for line in lines[4:27]]
    assert names == [
        *("seed", "seed+RAG", "c-fine-tuned", "c-fine-tuned+RAG", "published"),
        *("c-fine-tuned+gold", "SFT+RAG", "published"),
        *("SFT+DPO+RAG", "published", "SFT", "published", "SFT+DPO", "published"),
        *("teacher", "teacher+RAG", *TRIVIAL),
    ]
    dpo = next(line for line in lines if line.startswith("SFT+DPO "))
    assert "36.9±0.5" in dpo
    assert ".369±" in dpo
    assert any("35.7" in line and ".509" in line and ".640±.07" in line for line in lines)
    assert all(len(line) <= 80 for line in lines)
    assert not any("…" in line for line in lines)


def test_another_language_than_english_is_spoken_of_below_the_table() -> None:
    caution = "The encoder e isn't known to know Chinese: BERTScore is less reliable."
    english = make_evaluation()
    settings = {"bleu": "tok:zh", "rouge": "words", "bertscore": "e, layer 6"}
    chinese = english.model_copy(update={"language": "cmn", "cautions": [caution], "settings": settings})
    for shown in (" ".join(printed(chinese).split()), results_markdown([chinese])):
        assert "in Chinese. Measured by BLEU tok:zh, ROUGE words, BERTScore e, layer 6. The encoder" in shown
        assert shown.count(caution) == 1
    for evaluation in (english, english.model_copy(update={"language": "eng"})):
        assert "Measured by" not in printed(evaluation)
        assert results_markdown([evaluation]) == results_markdown([english])


def test_an_invalid_judge_takes_the_win_rates_place() -> None:
    valid, invalid = (printed(make_evaluation(judge_valid=judge)) for judge in (True, False))
    assert "invalid" not in valid
    assert "Judge not valid" in invalid
    assert invalid.count("invalid") == len(SYSTEMS)
    assert "invalid" in results_markdown([make_evaluation(judge_valid=False)])


def test_whose_the_judge_is_and_what_others_say_stands_below_the_table() -> None:
    alone, both = make_evaluation(), add_judge(make_evaluation())
    for text in (printed(alone), results_markdown([alone])):
        assert "the teacher's own" in " ".join(text.split())
        assert "by larger" not in text
    for text in (printed(both), results_markdown([both])):
        text = " ".join(text.split())
        assert text.count("the teacher's own") == 1
        assert "Judge larger: larger-32b; win rates are over seed+RAG." in text
        assert "teacher and larger agree on whose answer is better with a kappa of .400 [.300, .500]" in text
    assert "| SFT+DPO | .369±.01 | .800±.05 |" in results_markdown([both])
    failed = add_judge(make_evaluation(), judge_valid=False)
    assert "| SFT+DPO | .369±.01 | invalid |" in results_markdown([failed])


def test_orders_say_nothing_of_a_judge_that_sees_one_answer_at_a_time() -> None:
    pairwise = make_evaluation()
    settings = {**pairwise.settings, "judge_method": "single"}
    single = pairwise.model_copy(update={"settings": settings})
    assert "Orders agree in 80%" in results_markdown([pairwise])
    assert "Orders agree" not in results_markdown([single])
    assert "It saw one answer at a time" in results_markdown([single])


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
    assert len(rows) == 18  # the seed isn't compared with itself for ratio and likeness
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


def sat_by(evaluation: Evaluation, right: dict[tuple[System, Rag], float]) -> Evaluation:
    """An evaluation with exam figures of the systems whose share of right answers is given."""
    answers = [
        answer_of(
            question_of(f"{number}", f"Part {number % 8}"),
            system,
            rag,
            fault=None if number < share * 40 else "x",
        )
        for (system, rag), share in right.items()
        for number in range(40)
    ]
    decisions = [
        decision_of(dilemma_of(f"d{number}"), system) for system in ("seed", "dpo") for number in range(4)
    ]
    return add_exam_scores(evaluation, answers, decisions, Resampling(200, 42))


def test_the_exam_comes_first_and_says_what_beats_no_model() -> None:
    shares = {("seed", False): 0.1, ("dpo", True): 0.9, ("dpo", False): 0.2, ("nearest-sentence", False): 0.5}
    evaluation = sat_by(make_evaluation(), shares)
    text = printed(evaluation)
    assert text.splitlines()[0].strip() == "udhr: the exam"
    said = " ".join(text.split())
    assert "40 questions that the document answers, 4 dilemmas (guessing has .5)" in said
    assert "SFT+DPO+RAG beats nearest-sentence" in said
    assert "SFT+DPO is worse than nearest-sentence" in said
    assert all(len(line) <= 80 for line in text.splitlines())
    markdown = results_markdown([evaluation])
    assert markdown.index("| right answers |") < markdown.index("| BLEU |")
    assert "the exam" not in printed(make_evaluation())
    assert "own advice" not in markdown


def test_own_advice_has_a_column_where_it_was_asked_for_and_says_who_read_it() -> None:
    dilemmas = [dilemma_of(f"d{number}", f"Part {number}") for number in range(4)]
    advice = [
        advice_of(row, system, given=(0.9, 0.1) if system == "teacher" else (0.2, 0.1))
        for system in ("seed", "teacher")
        for row in dilemmas
    ]
    evaluation = add_exam_scores(make_evaluation(), [], [], Resampling(200, 42), advice)
    (table,) = [part for part in results_markdown([evaluation]).split("\n\n") if "own advice" in part]
    assert table.splitlines()[0] == "| system | own advice |"
    assert [line[:14] for line in table.splitlines()[2:]] == ["| seed | .000±", "| teacher | 1."]
    assert "Own words are as teacher reads them, which nothing here tests." in " ".join(
        printed(evaluation).split()
    )


def test_of_an_exam_it_is_said_where_answers_are_marked_without_knowing_the_language() -> None:
    english = make_evaluation()
    sat, _, _ = sit_exam(english)
    said = "answers are marked without knowing the language"
    for language, told in (("rus", True), ("deu", False), ("eng", False)):
        assert (said in language_sentence(sat.model_copy(update={"language": language}))) is told
        assert said not in language_sentence(english.model_copy(update={"language": language}))
    russian = sat.model_copy(update={"language": "rus"})
    for shown in (" ".join(printed(russian).split()), results_markdown([russian])):
        assert "src/charter/evaluation/languages/ru.yaml" in shown
        assert "a gate on unanswerable can't hold" in shown
