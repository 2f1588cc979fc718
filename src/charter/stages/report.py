"""The report stage: what was measured, written and decided of all corpora -> reports/index.html."""

from collections.abc import Sequence

from charter.evaluation.answer_figures import AnswerFigures, answer_figures
from charter.evaluation.results import load_evaluation
from charter.evaluation.review_figures import review_figures
from charter.evaluation.statistics import Resampling
from charter.project.exam_records import ExamAnswer, ExamDecision
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import Judgement, Prediction
from charter.project.review_records import AnswerDecision, RowDecision
from charter.project.storage import read_json, read_rows, write_text
from charter.report.arms import load_arms
from charter.report.curves import read_curve
from charter.report.page import CorpusContent, build_report
from charter.report.pipeline_state import flatten, git_revision
from charter.synthesis.coverage import measure_coverage
from charter.synthesis.row_decisions import read_decisions
from charter.synthesis.synthetic_data import read_synthetic_data

_STAGES = ("extract", "synthesize", "validators", "cft", "sft", "dpo", "rag-index")
_TRAININGS = ("cft", "sft", "dpo")


def run(params: Params, paths: ProjectPaths) -> dict[str, float]:
    """Write the report; it has no metrics.

    Raises:
        CharterError: A corpus isn't evaluated, or one of its files is broken.
    """
    corpora = [_content(params, paths.corpus(name), name in params.labelled) for name in params.corpora]
    commit, changed = git_revision(paths.root)
    revision = f"{commit} with local changes" if changed else commit
    write_text(paths.report, build_report(corpora, params, revision))
    return {}


def _content(params: Params, paths: CorpusPaths, labelled: bool) -> CorpusContent:
    data, predictions = read_synthetic_data(paths), read_rows(paths.predictions, Prediction)
    decided, _ = read_decisions(paths.row_decisions, RowDecision)
    resampling = Resampling(params.evaluate.bootstrap_samples, params.seed)
    evaluation = load_evaluation(paths.metrics("evaluate"))
    return CorpusContent(
        evaluation=evaluation,
        predictions=predictions,
        stages={
            stage: dict(flatten(read_json(paths.metrics(stage))))
            for stage in _STAGES
            if paths.metrics(stage).exists() and (labelled or stage != "validators")
        },
        curves={stage: read_curve(paths.curve(stage)) for stage in _TRAININGS if paths.curve(stage).exists()},
        coverage=measure_coverage(data),
        answers=read_rows(paths.exam_answers, ExamAnswer),
        decisions=read_rows(paths.exam_decisions, ExamDecision),
        review=review_figures(decided, data, resampling) if decided else None,
        read=_read_by_people(paths, predictions, resampling),
        arms=load_arms(params, paths, evaluation),
    )


def _read_by_people(
    paths: CorpusPaths, predictions: Sequence[Prediction], resampling: Resampling
) -> AnswerFigures | None:
    decisions, _ = read_decisions(paths.answer_decisions, AnswerDecision)
    if not decisions:
        return None
    return answer_figures(decisions, predictions, read_rows(paths.judgements, Judgement), resampling)
