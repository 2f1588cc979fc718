"""BERTScore (Zhang et al., 2020): how well the tokens of answer and reference match in an encoder's space."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from bert_score.utils import bert_cos_score_idf, get_model
from transformers import AutoConfig, AutoTokenizer

from charter.evaluation.statistics import Array

_LAYER_SHARE = 5 / 6
"""bert-score chose its layers by correlation with human scores on WMT16: layer 5 for every 6-layer BERT in its
table, 9 and 10 for most of 12. MiniLM-L6 isn't in it, and the rule gives it layer 5."""


class BertScore:
    """BERTScore F over one encoder, plain: no idf weights, no rescaling with a baseline.

    Figures of different encoders or layers aren't comparable, so `signature` names both.

    Args:
        encoder: A transformers folder.
        name: What the encoder is called in reports.
        device: Where it runs.
    """

    def __init__(self, encoder: Path, name: str, device: str = "cpu") -> None:
        config = AutoConfig.from_pretrained(encoder)
        layer = max(1, round(_LAYER_SHARE * config.num_hidden_layers))
        self.signature = f"{name}, layer {layer} of {config.num_hidden_layers}, F, no idf, not rescaled"
        self._model = get_model(str(encoder), layer).float().to(device)
        self._tokenizer = AutoTokenizer.from_pretrained(encoder)
        # A sentence encoder's tokenizer may carry a limit far below (or above) what the model can read.
        self._tokenizer.model_max_length = config.max_position_embeddings
        self._weights = defaultdict(
            lambda: 1.0, {self._tokenizer.cls_token_id: 0.0, self._tokenizer.sep_token_id: 0.0}
        )

    def __call__(self, answers: Sequence[str], references: Sequence[str]) -> Array:
        """Return BERTScore F of each answer; an answer, or reference, without a visible character scores 0."""
        scores = np.zeros(len(answers))
        pairs = zip(answers, references, strict=True)
        filled = [index for index, pair in enumerate(pairs) if all(text.strip() for text in pair)]
        if filled:
            with torch.inference_mode():
                f_measure = bert_cos_score_idf(
                    self._model,
                    [references[index] for index in filled],
                    [answers[index] for index in filled],
                    self._tokenizer,
                    self._weights,
                )[:, 2]
            scores[filled] = f_measure.numpy()
        return scores
