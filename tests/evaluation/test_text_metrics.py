import numpy as np
import pytest
import sacrebleu
from rouge_score.rouge_scorer import RougeScorer

from charter.evaluation.statistics import ClusteredBootstrap, Resampling
from charter.evaluation.text_metrics import (
    bleu_measure,
    bleu_signature,
    bleu_tokenizer,
    cut_to_length,
    rouge_scores,
    sentence_bleu,
)

REFERENCES = [
    "Everyone has the right to life, liberty and security of person.",
    "No one shall be held in slavery or servitude; it is prohibited in all its forms.",
    "Gifts above 50 euros are reported within five days to the compliance office.",
    "All are equal before the law.",
]
ANSWERS = [
    "Everyone has a right to life and to the security of their person.",
    "Slavery is prohibited in all its forms.",
    "",
    "Yes.",
]


OF_LANGUAGES = {
    "deu": ("13a", ["Jeder Mensch hat das Recht auf Leben, Freiheit und Sicherheit der Person."] * 2),
    "arb": ("13a", ["لكل فرد الحق في الحياة والحرية وسلامة شخصه.", "الناس جميعا سواء أمام القانون."]),
    "hin": ("13a", ["प्रत्येक व्यक्ति को जीवन, स्वाधीनता और वैयक्तिक सुरक्षा का अधिकार है।"] * 2),
    "kor": ("13a", ["모든 사람은 생명과 신체의 자유와 안전에 대한 권리를 가진다."] * 2),
    "cmn": ("zh", ["人人有权享有生命、自由和人身安全。", "法律之前人人平等,第7条。"]),
    "jpn": (
        "char",
        ["すべて人は、生命及び身体の安全に対する権利を有する。", "何人も、奴隷にされない。"],
    ),
    "tha": ("char", ["ทุกคนมีสิทธิในการมีชีวิต เสรีภาพ และความมั่นคงแห่งบุคคล", "ทุกคนเสมอภาคกันตามกฎหมาย"]),
}
"""Tokenizer, and references, by language."""


def answers_of(references: list[str]) -> list[str]:
    """Answers that share some of the tokens: each without its first and last characters."""
    return [reference[3:-2] for reference in references]


def corpus_bleu(answers: list[str], references: list[str], language: str | None = None) -> float:
    measure = bleu_measure(answers, references, language)
    return float(measure.value(measure.rows.sum(axis=0)))


@pytest.mark.parametrize(
    ("answers", "references"),
    [
        (ANSWERS, REFERENCES),
        (REFERENCES, REFERENCES),
        (ANSWERS[::-1], REFERENCES),
        ([""] * 4, REFERENCES),
        (["zzz yyy xxx www vvv"] * 4, REFERENCES),
        (["the law"] * 4, REFERENCES),  # no answer has four tokens
        (["equal the law are before all"], ["All are equal before the law."]),  # orders without a match
        (["word " * 60], REFERENCES[:1]),
    ],
)
def test_bleu_is_sacrebleus(answers: list[str], references: list[str]) -> None:
    expected = sacrebleu.corpus_bleu(answers, [references]).score
    assert corpus_bleu(answers, references) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("language", OF_LANGUAGES)
def test_bleu_is_sacrebleus_with_the_tokenizer_of_the_language(language: str) -> None:
    tokenizer, references = OF_LANGUAGES[language]
    assert bleu_tokenizer(language) == tokenizer
    assert f"tok:{tokenizer}|" in bleu_signature(language)
    answers = answers_of(references)
    expected = sacrebleu.corpus_bleu(answers, [references], tokenize=tokenizer).score
    assert 1 < expected < 100
    assert corpus_bleu(answers, references, language) == pytest.approx(expected, abs=1e-9)
    own = [
        sacrebleu.sentence_bleu(answer, [reference], tokenize=tokenizer).score
        for answer, reference in zip(answers, references, strict=True)
    ]
    assert sentence_bleu(answers, references, language).tolist() == pytest.approx(own)


@pytest.mark.parametrize("language", ["cmn", "jpn", "tha"])
def test_text_without_spaces_has_bleu_with_its_tokenizer_alone(language: str) -> None:
    _, references = OF_LANGUAGES[language]
    answers = answers_of(references)
    assert corpus_bleu(answers, references, language) > 40
    assert corpus_bleu(answers, references) < 20


def test_bleu_of_english_and_of_an_unknown_language_is_sacrebleus_default() -> None:
    expected = sacrebleu.corpus_bleu(ANSWERS, [REFERENCES]).score
    assert corpus_bleu(ANSWERS, REFERENCES, "eng") == corpus_bleu(ANSWERS, REFERENCES)
    assert corpus_bleu(ANSWERS, REFERENCES) == pytest.approx(expected, abs=1e-9)
    assert bleu_signature("eng") == bleu_signature()


def test_bleu_of_resamples_is_sacrebleus_of_the_resampled_texts() -> None:
    measure = bleu_measure(ANSWERS, REFERENCES)
    draws = np.random.default_rng(0).integers(0, 4, size=(20, 4))
    weights = np.stack([np.bincount(draw, minlength=4) for draw in draws])
    for draw, score in zip(draws, measure.value(weights @ measure.rows), strict=True):
        resampled = [ANSWERS[index] for index in draw], [[REFERENCES[index] for index in draw]]
        assert score == pytest.approx(sacrebleu.corpus_bleu(*resampled).score, abs=1e-9)


def test_bleu_has_an_interval_around_the_corpus_score() -> None:
    answers, references = ANSWERS * 6, REFERENCES * 6
    clusters = [str(number) for number in range(24)]
    estimate = ClusteredBootstrap(clusters, Resampling(500, 0)).estimate(bleu_measure(answers, references))
    assert estimate.low < sacrebleu.corpus_bleu(answers, [references]).score < estimate.high


def test_a_short_answer_has_the_bleu_of_the_words_it_has() -> None:
    expected = [sacrebleu.sentence_bleu(a, [r]).score for a, r in zip(ANSWERS, REFERENCES, strict=True)]
    assert sentence_bleu(ANSWERS, REFERENCES).tolist() == pytest.approx(expected)
    assert sentence_bleu(["the law", ""], ["the law", "the law"]).tolist() == pytest.approx([100, 0])


@pytest.mark.parametrize(
    ("answer", "length", "expected"),
    [
        ("No gifts.", 9, "No gifts."),
        ("No gifts, ever.", 9, "No gifts,"),
        ("No gifts\never.", 8, "No gifts"),
        ("No gifts at all.", 10, "No gifts"),
        ("Nothing.", 3, "Not"),
        ("礼物必须报告", 4, "礼物必须"),
        ("第五条 礼物必须报告", 8, "第五条 礼物必须"),
        ("No 礼物 at all", 5, "No 礼物"),
        ("", 5, ""),
    ],
)
def test_an_answer_is_cut_between_words_where_it_has_spaces(answer: str, length: int, expected: str) -> None:
    assert cut_to_length(answer, length) == expected


def test_bleu_signature_names_what_matters() -> None:
    signature = bleu_signature()
    assert "tok:13a" in signature
    assert "smooth:exp" in signature
    assert sacrebleu.__version__ in signature


def test_rouge_is_rouge_scores_on_english() -> None:
    scores = rouge_scores(ANSWERS, REFERENCES)
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for index, (answer, reference) in enumerate(zip(ANSWERS, REFERENCES, strict=True)):
        expected = scorer.score(reference, answer)
        for metric in ("rouge1", "rouge2", "rougeL"):
            assert scores[metric][index] == pytest.approx(expected[metric].fmeasure)


def test_rouge_by_hand() -> None:
    scores = rouge_scores(["the cat sat"], ["the cat ran off"])
    assert scores["rouge1"][0] == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))
    assert scores["rouge2"][0] == pytest.approx(2 * (1 / 2) * (1 / 3) / (1 / 2 + 1 / 3))
    assert scores["rougeL"][0] == scores["rouge1"][0]


def test_lsum_matches_sentences_in_any_order() -> None:
    scores = rouge_scores(["He may stay. She must go!"], ["She must go! He may stay."])
    assert scores["rougeL"][0] == pytest.approx(0.5)
    assert scores["rougeLsum"][0] == 1


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("هل يجوز؟ لا يجوز ذلك.", "لا يجوز ذلك. هل يجوز؟"),
        ("सब समान हैं। कोई दास नहीं।", "कोई दास नहीं। सब समान हैं।"),
        ("人人平等。没有奴隶。", "没有奴隶。人人平等。"),
    ],
)
def test_lsum_knows_the_ends_of_sentences_in_other_scripts(answer: str, reference: str) -> None:
    scores = rouge_scores([answer], [reference])
    assert scores["rougeL"][0] < 1
    assert scores["rougeLsum"][0] == 1


def test_an_empty_answer_scores_nothing_and_stays() -> None:
    scores = rouge_scores(["", REFERENCES[0]], REFERENCES[:2])
    assert all(values[0] == 0 and len(values) == 2 for values in scores.values())


@pytest.mark.parametrize(
    ("answer", "reference", "expected"),
    [
        ("Все люди рождаются свободными", "Все люди равны", 4 / 7),
        ("ΟΛΟΙ οι άνθρωποι", "όλοι οι άνθρωποι", 2 / 3),
        ("人人生而自由", "人人生而平等", 2 / 3),
        ("सभी मनुष्य स्वतंत्र", "सभी मनुष्य समान", 2 / 3),
        ("Café", "cafe\N{COMBINING ACUTE ACCENT}", 1.0),
    ],
)
def test_rouge_reads_other_scripts(answer: str, reference: str, expected: float) -> None:
    assert rouge_scores([answer], [reference])["rouge1"][0] == pytest.approx(expected)
