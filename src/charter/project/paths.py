"""Where everything lies: the one place that knows the tree below the project's folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from charter.project.home import find_home


def download_cache() -> Path:
    """Return the folder of downloads, which all clones share: ``$CHARTER_CACHE`` or ``~/.cache/charter``."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "charter"
    return Path(os.environ.get("CHARTER_CACHE", default))


class _Below:
    """A place below a project's folder, in which ``{name}`` is the corpus."""

    def __init__(self, place: str, what: str):
        self._place = place
        self.__doc__ = what

    def __get__(self, paths: "ProjectPaths", _: type["ProjectPaths"]) -> Path:
        return paths.root / self._place.format_map(vars(paths))


@dataclass(frozen=True)
class ProjectPaths:
    """Paths that all corpora share, below ``root``."""

    root: Path

    params = _Below("params.yaml", "Every parameter.")
    seed = _Below("models/base/seed", "The seed model, a transformers folder.")
    teacher = _Below("models/base/teacher", "A GGUF file, a transformers folder, or a served model's name.")
    judges = _Below("models/judges", "A folder a judge: a model like the teacher's; of the teacher, a note.")
    encoder = _Below("models/base/encoder", "The sentence encoder, a sentence-transformers folder.")
    general_training_prompts = _Below("data/general/training.txt", "Everyday prompts to train on, in git.")
    demonstrations = _Below("data/demonstrations/train.jsonl", "Rows of Demonstration, which sft trains on.")
    rejected_demonstrations = _Below("data/demonstrations/rejected.jsonl", "Rows of RejectedDemonstration.")
    labelled = _Below("data/safety/labelled.jsonl", "Rows of LabelledResponse, for the refusal detector.")
    general = _Below("data/general/prompts.jsonl", "Rows of GeneralPrompt; in git.")
    facts = _Below("data/general/facts.jsonl", "Rows of EverydayFact, by hand; in git.")
    general_texts = _Below("data/retention", "General English texts as files, to measure perplexity on.")
    replies = _Below("data/replies", "Replies of models that other machines asked, a folder; in git.")
    work = _Below(".charter", "What one checkout keeps between runs and outside DVC, such as checkpoints.")
    report = _Below("reports/index.html", "The report over all corpora.")

    def pinned(self, kind: str) -> Path:
        """The pinned files of a kind: models, documents or prompts; in git."""
        return self.root / f"data/pinned/{kind}.yaml"

    def judge(self, name: str) -> Path:
        """The model of a judge that isn't the teacher."""
        return self.judges / name

    def probes(self, kind: str) -> Path:
        """Rows of ProbePrompt to measure with; ``kind`` is harmful or benign."""
        return self.root / f"data/safety/{kind}.jsonl"

    def training_prompts(self, kind: str) -> Path:
        """Rows of ProbePrompt to train on; ``kind`` is harmful or benign."""
        return self.root / f"data/safety/{kind}_training.jsonl"

    def exercises(self, language: str | None) -> Path:
        """Rows of ExerciseDocument, by hand, in a language (ISO 639-3); in git."""
        return self.root / f"data/reading/{language}.jsonl"

    def shared_metrics(self, stage: str) -> Path:
        """The metrics of a stage that is of no corpus; kept in git."""
        return self.root / f"data/metrics/{stage}.json"

    @property
    def journal(self) -> Path:
        """Every request to a model, with its answer; experiments and git worktrees share it."""
        return find_home(self.root) / ".charter/journal.sqlite"

    def corpus(self, name: str) -> "CorpusPaths":
        """The paths of one corpus."""
        return CorpusPaths(self.root, name)

    def arm(self, name: str, corpus: str, trained: Sequence[str]) -> "ArmPaths":
        """The paths of an arm of a corpus, which trains adapters of its own by the stages ``trained``."""
        return ArmPaths(self.root, corpus, name, tuple(trained))


@dataclass(frozen=True)
class CorpusPaths(ProjectPaths):
    """Paths of one corpus."""

    name: str

    documents = _Below("data/documents/{name}.jsonl", "Extracted text, rows of Document.")
    chunks = _Below("data/chunks/{name}.jsonl", "Rows of Chunk.")
    rules = _Below("data/rules/{name}.jsonl", "Rows of Rule: what the document demands.")
    rejected_rules = _Below("data/rules/{name}.rejected.jsonl", "Rows of Rejected: no rule after all.")
    decisions = _Below("data/decisions/{name}/rules.jsonl", "Rows of RuleDecision, by people; in git.")
    row_decisions = _Below("data/decisions/{name}/rows.jsonl", "Rows of RowDecision, by people; in git.")
    voted_pairs = _Below("data/decisions/{name}/pairs.jsonl", "Rows of PreferencePair, by votes; in git.")
    answer_decisions = _Below("data/decisions/{name}.answers.jsonl", "Rows of AnswerDecision; in git.")
    votes = _Below("data/votes/{name}.jsonl", "Rows of Vote, by people; in git.")
    rejected = _Below("data/synthetic/{name}/rejected.jsonl", "Rows of Rejected: what the filters refused.")
    row_marks = _Below("data/synthetic/{name}/people.jsonl", "Rows of RowMark, if people did something.")
    index = _Below("data/index/{name}", "The FAISS index over the chunks, a folder.")
    predictions = _Below("data/predictions/{name}.jsonl", "Rows of Prediction, all systems.")
    judgements = _Below("data/judgements/{name}.jsonl", "Rows of Judgement, win rate and controls.")
    probe_answers = _Below("data/probe_answers/{name}.jsonl", "Rows of ProbeAnswer, all local systems.")
    item_scores = _Below("data/item_scores/{name}.jsonl", "Rows of ItemScore, the aligned systems.")
    exam_answers = _Below("data/exam_answers/{name}/answers.jsonl", "Rows of ExamAnswer, all systems.")
    exam_decisions = _Below("data/exam_answers/{name}/decisions.jsonl", "Rows of ExamDecision.")
    exam_advice = _Below("data/exam_answers/{name}/advice.jsonl", "Rows of OwnAdvice.")
    dev_answers = _Below(".charter/dev_answers/{name}.jsonl", "Rows of ExamAnswer, of the last dev sitting.")
    exam_questions = _Below("data/exam/{name}/questions.jsonl", "Rows of ExamQuestion, by hand; in git.")
    exam_dilemmas = _Below("data/exam/{name}/dilemmas.jsonl", "Rows of Dilemma, by hand; in git.")
    exam_seal = _Below("data/exam/{name}/sealed.yaml", "Which sections are sealed, and their hash; in git.")
    plot = _Below("data/plots/{name}.csv", "The figures of every system as CSV, for `dvc plots`.")

    def instruct(self, split: str) -> Path:
        """Rows of InstructExample; ``split`` is train, validation or test."""
        return self.root / f"data/synthetic/{self.name}/sft_{split}.jsonl"

    def preference(self, split: str) -> Path:
        """Rows of PreferencePair; ``split`` is train, validation or test."""
        return self.root / f"data/synthetic/{self.name}/preference_{split}.jsonl"

    @property
    def data_sets(self) -> dict[str, Path]:
        """What models are trained and tested on, by the names in the lineage of an `Evaluation`."""
        return {
            "chunks": self.chunks,
            "sft_train": self.instruct("train"),
            "preference_train": self.preference("train"),
            "demonstrations": self.demonstrations,
            "sft_test": self.instruct("test"),
            "preference_test": self.preference("test"),
        }

    def adapter(self, system: str) -> Path:
        """The LoRA adapter over the seed of ``cft``, ``sft`` or ``dpo``."""
        return self.root / f"models/{system}/{self.name}"

    def checkpoints(self, stage: str) -> Path:
        """The checkpoints of a training that has not ended: a folder a run, named by what determines it."""
        return self.work / f"checkpoints/{self.name}/{stage}"

    def metrics(self, stage: str) -> Path:
        """The metrics of one stage; kept in git."""
        return self.root / f"data/metrics/{self.name}/{stage}.json"

    def curve(self, stage: str) -> Path:
        """The training curve of ``cft``, ``sft`` or ``dpo``: CSV, a row a logged step."""
        return self.root / f"data/curves/{self.name}/{stage}.csv"


@dataclass(frozen=True)
class ArmPaths(CorpusPaths):
    """Paths of a corpus as an arm sees them: its own adapters, curves and checkpoints, and all else shared.

    An adapter that the arm doesn't train is the corpus's.
    """

    arm_name: str
    trained: tuple[str, ...]

    models = _Below("models/arms/{arm_name}", "The arm's adapters, a folder a stage, and their curves.")
    figures = _Below("data/metrics/{name}/arms/{arm_name}.json", "An ArmEvaluation; kept in git.")

    def adapter(self, system: str) -> Path:
        """The adapter of ``sft`` or ``dpo``."""
        return self.models / system if system in self.trained else super().adapter(system)

    def checkpoints(self, stage: str) -> Path:
        """The arm's own checkpoints."""
        return self.work / f"checkpoints/{self.name}/arm-{self.arm_name}/{stage}"

    def curve(self, stage: str) -> Path:
        """The arm's own curve."""
        return self.models / f"{stage}.csv"
