from charter.project.metric_names import GATE_METRICS, SYSTEMS, system_label
from charter.report.plain_words import KINDS, METRIC_WORDS, plain_name


def test_whatever_a_gate_may_name_can_be_spoken_of() -> None:
    assert set(METRIC_WORDS) == set(GATE_METRICS)
    assert {words.kind for words in METRIC_WORDS.values()} == set(KINDS)
    names = [plain_name(system_label(*system)) for system in (*SYSTEMS, ("cft", "gold"))]
    assert len(set(names)) == len(set(SYSTEMS) | {("cft", "gold")})
    assert not any(word in name for name in names for word in ("sft", "dpo", "cft", "rag"))


def test_shares_are_counted_and_other_figures_are_points() -> None:
    assert METRIC_WORDS["right_answers"].number(0.364, 175) == "64"
    assert METRIC_WORDS["bleu"].number(24.04, 175) == "24"
    assert METRIC_WORDS["rougeL"].number(0.2404, 175) == "24"
    assert METRIC_WORDS["perplexity"].number(5.0, 40) == "5.0"
