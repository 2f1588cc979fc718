"""Where everything lies: the one place that knows the tree below the project's folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from charter.project.home import find_home


def download_cache() -> Path:
    """Return the folder of downloads, which all clones share: ``$CHARTER_CACHE`` or ``~/.cache/charter``."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "charter"
    return Path(os.environ.get("CHARTER_CACHE", default))


@dataclass(frozen=True)
class ProjectPaths:
    """Paths that all corpora share, below ``root``."""

    root: Path

    @property
    def params(self) -> Path:
        """Every parameter."""
        return self.root / "params.yaml"

    def pinned(self, kind: str) -> Path:
        """The pinned files of a kind: models, documents or prompts; in git."""
        return self.root / f"data/pinned/{kind}.yaml"

    @property
    def seed(self) -> Path:
        """The seed model, a transformers folder."""
        return self.root / "models/base/seed"

    @property
    def teacher(self) -> Path:
        """The teacher: a GGUF file, a transformers folder, or only the name of a served model."""
        return self.root / "models/base/teacher"

    @property
    def encoder(self) -> Path:
        """The sentence encoder, a sentence-transformers folder."""
        return self.root / "models/base/encoder"

    def probes(self, kind: str) -> Path:
        """Rows of ProbePrompt to measure with; ``kind`` is harmful or benign."""
        return self.root / f"data/safety/{kind}.jsonl"

    def training_prompts(self, kind: str) -> Path:
        """Rows of ProbePrompt to train on; ``kind`` is harmful or benign."""
        return self.root / f"data/safety/{kind}_training.jsonl"

    @property
    def general_training_prompts(self) -> Path:
        """Everyday prompts to train on, a line each; in git."""
        return self.root / "data/general/training.txt"

    @property
    def demonstrations(self) -> Path:
        """Rows of Demonstration, which sft of every corpus trains on."""
        return self.root / "data/demonstrations/train.jsonl"

    @property
    def rejected_demonstrations(self) -> Path:
        """Rows of RejectedDemonstration."""
        return self.root / "data/demonstrations/rejected.jsonl"

    def shared_metrics(self, stage: str) -> Path:
        """The metrics of a stage that is of no corpus; kept in git."""
        return self.root / f"data/metrics/{stage}.json"

    @property
    def labelled(self) -> Path:
        """Rows of LabelledResponse, which the refusal detector is calibrated on."""
        return self.root / "data/safety/labelled.jsonl"

    @property
    def general(self) -> Path:
        """Rows of GeneralPrompt; in git."""
        return self.root / "data/general/prompts.jsonl"

    @property
    def work(self) -> Path:
        """What is kept between runs of one checkout and outside DVC, such as checkpoints."""
        return self.root / ".charter"

    @property
    def journal(self) -> Path:
        """Every request to a model, with its answer; experiments and git worktrees share it."""
        return find_home(self.root) / ".charter/journal.sqlite"

    @property
    def report(self) -> Path:
        """The report over all corpora."""
        return self.root / "reports/index.html"

    def corpus(self, name: str) -> "CorpusPaths":
        """The paths of one corpus."""
        return CorpusPaths(self.root, name)


@dataclass(frozen=True)
class CorpusPaths(ProjectPaths):
    """Paths of one corpus."""

    name: str

    @property
    def documents(self) -> Path:
        """Extracted text, rows of Document."""
        return self.root / f"data/documents/{self.name}.jsonl"

    @property
    def chunks(self) -> Path:
        """Rows of Chunk."""
        return self.root / f"data/chunks/{self.name}.jsonl"

    def instruct(self, split: str) -> Path:
        """Rows of InstructExample; ``split`` is train, validation or test."""
        return self.root / f"data/synthetic/{self.name}/sft_{split}.jsonl"

    def preference(self, split: str) -> Path:
        """Rows of PreferencePair; ``split`` is train, validation or test."""
        return self.root / f"data/synthetic/{self.name}/preference_{split}.jsonl"

    @property
    def rejected(self) -> Path:
        """Rows of Rejected: everything the filters refused."""
        return self.root / f"data/synthetic/{self.name}/rejected.jsonl"

    def adapter(self, system: str) -> Path:
        """The LoRA adapter over the seed of ``cft``, ``sft`` or ``dpo``."""
        return self.root / f"models/{system}/{self.name}"

    def checkpoints(self, stage: str) -> Path:
        """The checkpoints of a training that has not ended: a folder a run, named by what determines it."""
        return self.work / f"checkpoints/{self.name}/{stage}"

    @property
    def index(self) -> Path:
        """The FAISS index over the chunks, a folder."""
        return self.root / f"data/index/{self.name}"

    @property
    def predictions(self) -> Path:
        """Rows of Prediction, all systems."""
        return self.root / f"data/predictions/{self.name}.jsonl"

    @property
    def judgements(self) -> Path:
        """Rows of Judgement, win rate and controls."""
        return self.root / f"data/judgements/{self.name}.jsonl"

    @property
    def probe_answers(self) -> Path:
        """Rows of ProbeAnswer, all local systems."""
        return self.root / f"data/probe_answers/{self.name}.jsonl"

    def metrics(self, stage: str) -> Path:
        """The metrics of one stage; kept in git."""
        return self.root / f"data/metrics/{self.name}/{stage}.json"

    def curve(self, stage: str) -> Path:
        """The training curve of ``cft``, ``sft`` or ``dpo``: CSV, a row a logged step."""
        return self.root / f"data/curves/{self.name}/{stage}.csv"

    @property
    def plot(self) -> Path:
        """The figures of every system as CSV, for `dvc plots`."""
        return self.root / f"data/plots/{self.name}.csv"
