"""Reading a verdict from the probabilities of the words that may express it."""

import math

from charter.generation.engine import Completion


def choice_probability(completion: Completion, word: str, other: str) -> tuple[float | None, float]:
    """Return P(word) renormalised over the two words, and the mass that both had together.

    Spellings that differ in case or spaces count together. The probability is None where neither word is
    among the alternatives: such a verdict is unscored, not wrong.
    """
    probability = {word.lower(): 0.0, other.lower(): 0.0}
    for text, log_probability in completion.alternatives:
        spelling = text.strip().lower()
        if spelling in probability:
            probability[spelling] += math.exp(log_probability)
    mass = sum(probability.values())
    return (probability[word.lower()] / mass if mass > 0 else None), mass
