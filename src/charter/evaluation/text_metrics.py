"""BLEU and ROUGE of answers against references, item by item; an empty answer scores 0 and is counted."""

import re
from collections.abc import Sequence

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer
from sacrebleu.metrics import BLEU
from sacrebleu.metrics.bleu import BLEUScore

from charter.documents.segmentation import UNSPACED, split_words
from charter.evaluation.statistics import Array, Measure

ROUGE_METRICS = ("rouge1", "rouge2", "rougeL", "rougeLsum")

ROUGE_SIGNATURE = "F-measure, item mean, lower case, words of any script, no stemming, Lsum by sentence"
"""No stemming: Porter's rules know English only, and rouge-score's default is without."""

_BLEU_TOKENIZERS = {"cmn": "zh", "jpn": "char", "khm": "char", "mya": "char", "tha": "char"}
"""By ISO 639-3 code, of what is written without spaces: sacreBLEU's own for Chinese, and characters where its
own needs another package (Japanese) or there is none."""

_SENTENCE_END = re.compile(r"(?<=[.!?।॥؟۔։።])\s+|(?<=[。！？])\s*|\n+")


def cut_to_length(answer: str, length: int) -> str:
    """Return the whole words of an answer that ``length`` characters hold; or those characters."""
    if len(answer) <= length:
        return answer
    if UNSPACED.match(answer, length) or UNSPACED.match(answer, max(length - 1, 0)):
        return answer[:length]
    # A space right behind them shows that their last word is whole.
    return re.sub(r"\s\S*\Z", "", answer[: length + 1])[:length]


def bleu_tokenizer(language: str | None) -> str:
    """Name sacreBLEU's tokenizer for a language, by its ISO 639-3 code; 13a, its default, for most."""
    return _BLEU_TOKENIZERS.get(language or "", "13a")


def bleu_measure(answers: Sequence[str], references: Sequence[str], language: str | None = None) -> Measure:
    """Return the measure of corpus BLEU (Papineni et al., 2002), 0-100, as sacreBLEU computes it.

    A row holds sacreBLEU's statistics of an item: length of answer and reference in tokens, then matched and
    all n-grams for n = 1..4.
    """
    scores = _sentence_scores(answers, references, language)
    rows = [[score.sys_len, score.ref_len, *score.counts, *score.totals] for score in scores]
    return Measure(np.array(rows, dtype=np.float64), corpus_bleu)


def sentence_bleu(answers: Sequence[str], references: Sequence[str], language: str | None = None) -> Array:
    """Return sacreBLEU's BLEU of each item, 0-100, of the n-gram orders that its answer has words for."""
    return np.array([score.score for score in _sentence_scores(answers, references, language)])


def _sentence_scores(
    answers: Sequence[str], references: Sequence[str], language: str | None
) -> list[BLEUScore]:
    bleu = BLEU(effective_order=True, tokenize=bleu_tokenizer(language))
    pairs = zip(answers, references, strict=True)
    return [bleu.sentence_score(answer, [reference]) for answer, reference in pairs]


def bleu_signature(language: str | None = None) -> str:
    """Return sacreBLEU's signature of the settings behind `bleu_measure`."""
    bleu = BLEU(tokenize=bleu_tokenizer(language))
    bleu.corpus_score(["-"], [["-"]])  # the signature counts the references it has seen
    return str(bleu.get_signature())


def corpus_bleu(totals: Array) -> Array:
    """Return BLEU of summed rows of `bleu_measure` (..., 10), with sacreBLEU's default smoothing.

    "exp" smoothing: the k-th order without a match counts as 1 / 2^k matches.
    """
    answer_length, reference_length = totals[..., 0], totals[..., 1]
    matched, possible = totals[..., 2:6], totals[..., 6:]
    halvings = np.cumsum(matched == 0, axis=-1)
    smoothed = np.where(matched == 0, 0.5**halvings, matched)
    precision = smoothed / np.maximum(possible, 1)
    brevity = np.minimum(0.0, 1 - reference_length / np.maximum(answer_length, 1))
    score = 100 * np.exp(np.log(precision).mean(axis=-1) + brevity)
    # As sacreBLEU: 0 where nothing matched at all or no answer has four tokens.
    return np.where((matched.sum(axis=-1) == 0) | (possible[..., -1] == 0), 0.0, score)


class _WordTokenizer(Tokenizer):  # type: ignore[misc]  # rouge-score is untyped
    """Words of every script; on plain English the tokens of rouge-score's own, which drops other letters."""

    def tokenize(self, text: str) -> list[str]:
        """Split into lower-case runs of letters, marks and digits."""
        return split_words(text)


def rouge_scores(answers: Sequence[str], references: Sequence[str]) -> dict[str, Array]:
    """Return the F-measure of ROUGE-1, -2, -L and -Lsum (Lin, 2004) of each item, 0-1."""
    scorer = RougeScorer(list(ROUGE_METRICS), tokenizer=_WordTokenizer())
    scores = [
        scorer.score(_one_sentence_a_line(reference), _one_sentence_a_line(answer))
        for answer, reference in zip(answers, references, strict=True)
    ]
    return {
        metric: np.array([score[metric].fmeasure for score in scores], dtype=np.float64)
        for metric in ROUGE_METRICS
    }


def _one_sentence_a_line(text: str) -> str:
    """ROUGE-Lsum takes lines for sentences; the other kinds see white space only."""
    return "\n".join(filter(None, _SENTENCE_END.split(text.strip())))
