"""Judges of which it is known who they are and what they are worth, from params.yaml to the table."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.evaluation_data import EvaluationData
from charter.evaluation.exam_controls import exam_controls
from charter.evaluation.exam_split import Exam
from charter.evaluation.judge import Contest, judge_contests, win_rate_contests
from charter.evaluation.judges import Judges
from charter.evaluation.results import Evaluation
from charter.evaluation.scoring import Rating, score_corpus
from charter.evaluation.statistics import Resampling
from charter.generation.asked_model import AskedModel
from charter.generation.engine import Completion, Engine, Request
from charter.generation.judge_models import judge_models
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.model_sections import Judge
from charter.project.params import Params
from charter.project.paths import CorpusPaths, ProjectPaths
from charter.project.records import InstructExample, Judgement
from charter.project.sections import JudgeMethod
from charter.project.storage import write_json, write_text
from charter.report.judges import win_rate_rows
from charter.report.model_card import model_card
from charter.report.table import results_table
from exam_rows import advice_of, dilemma_of, question_of
from judge_params import judge_of, served_judge, with_judges
from local_server import free_port
from rows import chunk_of, prediction_of

Quality = Callable[[str, str], float]
"""From a passage and an answer to how likely it is right."""

ITEMS = 30
ENGLISH = load_answer_language("en")


class Scripted:
    """An engine that judges by a quality, in the form in which it is asked, and counts what it is asked."""

    def __init__(self, quality: Quality):
        self.quality = quality
        self.asked = 0

    def complete(self, requests: Sequence[Request], admit: object = None) -> Iterator[tuple[int, Completion]]:
        for index, request in enumerate(requests):
            self.asked += 1
            passage, _, shown = request.messages[-1].content.partition("\nQuestion: ")
            if "Answer A: " in shown:
                first, second = (
                    self.quality(passage, shown.split(f"Answer {letter}: ")[1].split("\n")[0])
                    for letter in "AB"
                )
                words, p = ("A", "B"), first * (1 - second) / (first * (1 - second) + second * (1 - first))
            else:
                answer = shown.partition("Answer: ")[2].split("\n")[0]
                words, p = ("Yes", "No"), self.quality(passage, answer)
            alternatives = ((words[0], math.log(p)), (words[1], math.log(1 - p)))
            yield index, Completion(text=words[0], tokens=1, alternatives=alternatives, prompt_tokens=10)


def knows(passage: str, answer: str) -> float:
    return 0.9 if answer.rstrip(".") in passage else 0.1


def likes_length(_: str, answer: str) -> float:
    return min(0.99, len(answer) / 200)


def tosses() -> Quality:
    generator = random.Random(0)
    return lambda *_: generator.uniform(0.01, 0.99)


@pytest.fixture
def paths(tmp_path: Path) -> CorpusPaths:
    """The teacher, and judges: the twin has the teacher's weights under another name."""
    paths = ProjectPaths(tmp_path).corpus("bcg")
    folders = {name: paths.judge(name) for name in ("twin", "random", "long", "able")} | {"": paths.teacher}
    for name, folder in folders.items():
        write_json(folder / "source.json", {"hub": f"acme/{name or 'teacher'}@1"})
        write_text(folder / "model.safetensors", "weights" if name in ("", "twin") else f"weights of {name}")
    return paths


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> dict[str, Scripted]:
    """What is loaded from each folder, in place of a model."""
    engines = {
        "teacher": Scripted(knows),
        "twin": Scripted(knows),
        "able": Scripted(lambda passage, answer: 0.9 * knows(passage, answer)),
        "random": Scripted(tosses()),
        "long": Scripted(likes_length),
    }

    def load(model: AskedModel) -> Engine:
        return engines[model.folder.name]

    monkeypatch.setattr(AskedModel, "_load", load)
    return engines


def contests() -> tuple[list[Contest], EvaluationData, list[InstructExample]]:
    """Controls from an exam, with wrong answers now longer and now shorter than the right ones."""
    questions, dilemmas, chunks, examples = [], [], [], []
    for number in range(ITEMS):
        answer = f"Within {number + 10} days{' of that day' * (number * 7 % 5)}."
        faithful, unfaithful = (
            f"Report gift {number}.",
            f"Keep gift {number}{', nobody sees it' * (number % 2)}.",
        )
        text = f"They are reported {answer} {faithful}"
        chunk = chunk_of(text, chunk_id=f"c{number}")
        chunks.append(chunk)
        asked = {"references": (answer, answer), "key_facts": ((f"{number + 10} days",),), "must_not_say": ()}
        questions.append(question_of(f"q{number}", f"Part {number % 3}", quote=text, **asked))
        dilemmas.append(dilemma_of(f"d{number}", quote=text, faithful=faithful, unfaithful=unfaithful))
        examples.append(
            InstructExample(
                id=f"e{number}", chunk_id=chunk.id, rule="", style="s", question="When?", answer=answer
            )
        )
    held_out = EvaluationData({chunk.id: chunk for chunk in chunks}, {}, examples, [])
    return exam_controls(Exam(questions, dilemmas), chunks, ENGLISH, 0), held_out, examples


def evaluate(params: Params, paths: CorpusPaths) -> tuple[Evaluation, list[Judgement], Judges]:
    """Judge two systems, of which dpo answers by the document and the opponent at length, beside it."""
    controls, held_out, examples = contests()
    predictions = [
        row
        for number, example in enumerate(examples)
        for row in (
            prediction_of(example, "seed", True, f"It depends on case {number}, on who asks and on the day."),
            prediction_of(example, "dpo", False, example.answer if number % 3 else "Never."),
        )
    ]
    judges = Judges(params, paths)
    with open_teacher(params, paths) as teacher:
        judgements, _ = judges.judge(win_rate_contests(predictions, held_out) + controls, [], teacher)
    rating = Rating(
        corpus="bcg",
        title="The guidelines",
        language="eng",
        cautions=(),
        settings={"judge_method": params.evaluate.judge},
        lineage={"dpo_adapter": "0"},
        judges=judges.described(),
        bert_score=lambda answers, _: np.ones(len(answers)),
        encoder="none",
        resampling=Resampling(200, 1),
    )
    return score_corpus(predictions, judgements, {}, rating), judgements, judges


def printed(evaluation: Evaluation) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(results_table([evaluation]))
    return " ".join(capture.get().split())


@pytest.mark.parametrize("method", ["single", "pairwise"])
def test_a_twin_of_the_teacher_a_random_judge_and_one_that_likes_length_are_shown_for_what_they_are(
    method: JudgeMethod, params: Params, paths: CorpusPaths, engines: dict[str, Scripted]
) -> None:
    chosen = with_judges(params, *(judge_of(name) for name in ("twin", "random", "long")), judge=method)
    evaluation, judgements, judges = evaluate(chosen, paths)
    twin, others = evaluation.judge, evaluation.further_judges
    assert (evaluation.judge_name, list(others)) == ("twin", ["random", "long"])
    assert (twin.is_teacher, twin.valid) == (True, True)
    for name in ("random", "long"):
        assert (others[name].validity.is_teacher, others[name].validity.valid) == (False, False)
        assert others[name].validity.shuffled.low < 0.5

    text = printed(evaluation)
    assert "Judge twin: acme/twin@1, " in text
    assert text.count("the teacher's own") == 1
    assert "Judge random not valid" in text
    assert "Judge long not valid" in text
    rows = {cells[0]: cells[1:] for cells in win_rate_rows(evaluation)}
    assert rows["SFT+DPO"][1:] == ("invalid", "invalid")
    assert rows["SFT+DPO"][0] not in ("invalid", "–")
    card = model_card("n", "dpo", evaluation, params, {})
    assert "| by twin | by random | by long |" in card
    assert "the teacher's own" in card

    # Each gave verdicts of its own: the teacher none, and none of another's came from the journal.
    asked = {name: engine.asked for name, engine in engines.items()}
    assert asked["teacher"] == asked["able"] == 0
    assert asked["twin"] == asked["random"] == asked["long"] > 0
    assert judges.requests["long"].startswith(f"{asked['long']} requests, {10 * asked['long']} prompt tokens")
    assert {row.judge for row in judgements} == {"twin", "random", "long"}
    assert len({row.id for row in judgements}) == len(judgements)

    # Who tosses a coin agrees with nobody; of dpo's answers the short third loses by either measure.
    kappas = {found.judges: found.kappa for found in evaluation.judge_agreement}
    assert set(kappas) == {("twin", "random"), ("twin", "long"), ("random", "long")}
    assert abs(kappas["twin", "random"].value) < 0.5
    assert all(found.n == ITEMS for found in kappas.values())


def test_by_default_the_teacher_judges_and_it_is_said(
    params: Params, paths: CorpusPaths, engines: dict[str, Scripted]
) -> None:
    assert params.judges == ("teacher",)
    evaluation, judgements, _ = evaluate(with_judges(params, *params.judges), paths)
    assert (evaluation.judge_name, evaluation.judge.is_teacher) == ("teacher", True)
    assert evaluation.further_judges == {}
    assert evaluation.judge_agreement == []
    assert {row.judge for row in judgements} == {"teacher"}
    assert engines["teacher"].asked
    assert "the teacher's own" in printed(evaluation)
    assert "by teacher" not in printed(evaluation)


def test_a_second_opinion_stands_beside_the_first(
    params: Params, paths: CorpusPaths, engines: dict[str, Scripted]
) -> None:
    evaluation, _, _ = evaluate(with_judges(params, "teacher", judge_of("able")), paths)
    able = evaluation.further_judges["able"]
    assert (able.validity.valid, able.validity.is_teacher) == (True, False)
    assert able.validity.judge_sha256 != evaluation.judge.judge_sha256
    assert set(able.estimates) == {"seed+rag", "dpo"}
    (agreement,) = evaluation.judge_agreement
    assert (agreement.judges, agreement.kappa.value) == (("teacher", "able"), 1.0)
    assert "teacher and able agree on whose answer is better with a kappa of 1.0" in printed(evaluation)
    again = {name: engine.asked for name, engine in engines.items()}
    assert evaluate(with_judges(params, judge_of("able"), "teacher"), paths)[0].judge == able.validity
    assert {name: engine.asked for name, engine in engines.items()} == again


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"model": {"hub": "another/teacher@2"}}, True),
        ({"model": {"hub": "acme/other@1"}}, False),
    ],
)
def test_a_model_is_known_by_its_name(
    changed: dict[str, object], same: bool, params: Params, paths: CorpusPaths
) -> None:
    teacher = params.base_models.teacher.model_copy(update={"artifact": None, "hub": "acme/Teacher@1"})
    base = params.base_models.model_copy(update={"teacher": teacher})
    chosen = with_judges(params, judge_of("random", **changed)).model_copy(update={"base_models": base})
    assert Judges(chosen, paths).described()["random"].is_teacher == same


def served(name: str, root: str | None, paths: CorpusPaths) -> Judge:
    """A judge on a server that is away, of which it was recorded what it had loaded."""
    said = {"id": name} | ({"root": root} if root else {})
    write_json(paths.judge(name) / "source.json", {"served": name, "model": said})
    return served_judge(name, f"http://127.0.0.1:{free_port()}/v1")


def test_servers_that_loaded_the_same_have_one_model(params: Params, paths: CorpusPaths) -> None:
    judges = [served("a", "/models/x", paths), served("b", "/models/x", paths), served("c", None, paths)]
    one, two, three = judge_models(with_judges(params, *judges), paths).values()
    assert one.is_same_as(two)
    assert not one.is_same_as(three)


def test_servers_that_cannot_be_told_apart_are_refused(params: Params, paths: CorpusPaths) -> None:
    """One journal has the answers of both, found by what is known of their models."""
    one, other = served("a", None, paths), served("b", None, paths)
    same = other.model_copy(update={"model": one.model})
    for judge in (one, same):
        write_json(paths.judge(judge.name) / "source.json", {"served": "a", "model": {"id": "a"}})
    chosen = with_judges(params, one, same)
    with pytest.raises(CharterError, match=r"^judges\.b\.model\.revision: .* that of judges\.a\.model, so"):
        Judges(chosen, paths).try_servers([])
    told = {"served": "a", "revision": "2", "model": {"id": "a"}}
    write_json(paths.judge("b") / "source.json", told)
    Judges(chosen, paths).try_servers([])


@pytest.mark.parametrize("order", [("teacher", "able"), ("able", "teacher")])
def test_the_first_judge_reads_advice(
    order: tuple[str, str], params: Params, paths: CorpusPaths, engines: dict[str, Scripted]
) -> None:
    """Yes to what stands in the reply, which is where these engines look for a passage."""
    chosen = with_judges(params, *(name if name == "teacher" else judge_of(name) for name in order))
    engines["able"].quality, engines["teacher"].quality = (
        lambda shown, _: 0.8 if "report it" in shown else 0.3,
        lambda *_: 0.5,
    )
    rows = [advice_of(dilemma_of("d"), given=(None, None))]
    with open_teacher(chosen, paths) as teacher:
        judgements, (read,) = Judges(chosen, paths).judge([], rows, teacher)
    assert judgements == []
    assert read.faithful_given == pytest.approx(0.8 if order[0] == "able" else 0.5)
    assert {name: engine.asked for name, engine in engines.items() if engine.asked} == {order[0]: 2}


def test_a_server_that_is_away_is_noticed_before_anything_is_answered(
    params: Params,
    paths: CorpusPaths,
    engines: dict[str, Scripted],
    capsys: pytest.CaptureFixture[str],
) -> None:
    controls, _, _ = contests()
    chosen = with_judges(params, "teacher", served("able", None, paths))
    judges = Judges(chosen, paths)
    with pytest.raises(CharterError, match=r"^judges\.able\.base_url: no server answers at http.*start it"):
        judges.try_servers(controls)
    assert not any(engine.asked for engine in engines.values())
    # What it has said before is enough to go on with.
    with judge_models(chosen, paths)["able"].open(paths.journal) as engine:
        judge_contests(controls, engine, chosen.corpora["bcg"].title, "single", "able")
    capsys.readouterr()
    judges.try_servers(controls)
    assert "judges.able.base_url: no server answers" in capsys.readouterr().err
    assert engines["teacher"].asked == 0
