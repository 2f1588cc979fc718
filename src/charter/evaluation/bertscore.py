"""BERTScore (Zhang et al., 2020): how well the tokens of answer and reference match in an encoder's space."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from bert_score.utils import bert_cos_score_idf, get_model
from transformers import AutoConfig, AutoTokenizer

from charter.evaluation.statistics import Array


class BertScore:
    """BERTScore F over the last layer of a sentence encoder: no idf weights, no rescaling with a baseline.

    bert-score takes an inner layer of models that were trained to fill gaps. A sentence encoder is trained
    through its last layer, and there it tells best what is meant: of ten sentences, all-MiniLM-L6-v2 puts a
    paraphrase before another rule in like words nine times with layer 6 and four times with layer 5. Figures
    of different encoders aren't comparable: see `signature`.

    Args:
        encoder: A transformers folder.
        name: What the encoder is called in reports.
        device: Where it runs.
    """

    def __init__(self, encoder: Path, name: str, device: str = "cpu") -> None:
        config = AutoConfig.from_pretrained(encoder)
        self.signature = f"{name}, layer {config.num_hidden_layers}, F, no idf, not rescaled"
        self._device = device
        self._model = get_model(str(encoder), config.num_hidden_layers).float().to(device)
        self._tokenizer = AutoTokenizer.from_pretrained(encoder)
        # A sentence encoder's tokenizer may carry a limit far below (or above) what the model can read.
        self._tokenizer.model_max_length = config.max_position_embeddings
        self._weights = defaultdict(
            lambda: 1.0, {self._tokenizer.cls_token_id: 0.0, self._tokenizer.sep_token_id: 0.0}
        )

    def __call__(self, answers: Sequence[str], references: Sequence[str]) -> Array:
        """Return BERTScore F of each answer, 0 for an empty answer or reference."""
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
                    device=self._device,
                )[:, 2]
            scores[filled] = f_measure.numpy()
        return scores
