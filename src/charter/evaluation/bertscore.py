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
    """

    def __init__(self, encoder: Path, name: str) -> None:
        """Load a transformers folder, an encoder that reports call ``name``."""
        config = AutoConfig.from_pretrained(encoder)
        self.signature = f"{name}, layer {config.num_hidden_layers}, F, no idf, not rescaled"
        self._model = get_model(str(encoder), config.num_hidden_layers).float()
        self._tokenizer = AutoTokenizer.from_pretrained(encoder)
        # A sentence encoder's tokenizer may carry a limit far below (or above) what the model can read.
        self._tokenizer.model_max_length = config.max_position_embeddings
        ends = (self._tokenizer.cls_token_id, self._tokenizer.sep_token_id)
        self._weights = defaultdict(lambda: 1.0, dict.fromkeys(ends, 0.0))

    @torch.inference_mode()
    def __call__(self, answers: Sequence[str], references: Sequence[str]) -> Array:
        """Return BERTScore F of each answer, 0 for an empty answer or reference."""
        scores = np.zeros(len(answers))
        pairs = zip(answers, references, strict=True)
        filled = [index for index, pair in enumerate(pairs) if all(text.strip() for text in pair)]
        if filled:
            own, wanted = ([texts[index] for index in filled] for texts in (answers, references))
            measured = bert_cos_score_idf(
                self._model, wanted, own, self._tokenizer, self._weights, device="cpu"
            )
            scores[filled] = measured[:, 2].numpy()
        return scores
