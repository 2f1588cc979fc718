"""The model card, as the hub would read it."""

from huggingface_hub import ModelCard

from charter.project.params import Params
from charter.report.model_card import model_card
from synthetic_project import add_judge, make_evaluation

METRICS = {
    "synthesize": {"instruct.requested": 120, "instruct.kept": 80, "instruct.train": 50, "rule.train": 7}
    | {"preference.requested": 60, "preference.kept": 30, "preference.train": 20},
    "sft": {"demonstration_examples": 11, "kept_epoch": 2.0, "eval_loss": 0.75},
}


def test_the_hub_reads_its_figures(params: Params) -> None:
    evaluation = make_evaluation()
    card = ModelCard(model_card("charter-udhr", "dpo", evaluation, params, METRICS))
    assert card.data.to_dict()["library_name"] == "peft"
    assert card.data.base_model is None
    read = {row.metric_type: row.metric_value for row in card.data.eval_results}
    assert read["bleu"] == evaluation.systems["dpo"]["bleu"].value
    assert "win_rate" in read
    assert card.text.lstrip().startswith("# charter-udhr\n")


def test_a_judge_that_is_not_valid_gives_the_hub_no_win_rate(params: Params) -> None:
    card = ModelCard(model_card("n", "dpo", make_evaluation(judge_valid=False), params, METRICS))
    assert "win_rate" not in {row.metric_type for row in card.data.eval_results}
    (row,) = (line for line in card.text.splitlines() if line.startswith("| dpo |"))
    assert row.rstrip("| ").endswith("invalid")


def test_it_says_whose_the_judges_are_and_what_each_prefers(params: Params) -> None:
    card = model_card("n", "dpo", add_judge(make_evaluation()), params, METRICS)
    assert "the teacher's own" in card
    assert "| system | by teacher | by larger |" in card
    assert "by larger" not in model_card("n", "dpo", make_evaluation(), params, METRICS)


def test_it_says_what_people_did(params: Params) -> None:
    nobody = model_card("n", "dpo", make_evaluation(), params, METRICS)
    assert "No person wrote or checked it." in nobody
    reviewed = {"review.decided": 9.0, "review.accepted": 5.0, "review.edited": 1.0, "review.rejected": 3.0}
    counted = METRICS | {"synthesize": METRICS["synthesize"] | reviewed | {"vote.train": 4.0}}
    card = model_card("n", "dpo", make_evaluation(), params, counted)
    assert "people accepted 5, edited 1 and rejected 3" in card
    assert "- 4 pairs from people's questions" in card
    assert "No person" not in card
    assert "pairs from people's" not in model_card("n", "sft", make_evaluation(), params, counted)


def test_it_names_a_base_model_of_the_hub(params: Params) -> None:
    seed = params.base_models.seed.model_copy(update={"artifact": None, "hub": "owner/name@revision"})
    other = params.model_copy(update={"base_models": params.base_models.model_copy(update={"seed": seed})})
    assert ModelCard(model_card("n", "sft", make_evaluation(), other, {})).data.base_model == "owner/name"


def test_it_counts_what_was_trained_on(params: Params) -> None:
    sft, dpo = (model_card("n", system, make_evaluation(), params, METRICS) for system in ("sft", "dpo"))
    for card in (sft, dpo):
        assert "- 50 questions with answers (80 kept of 120 asked for" in card
        assert "- 7 questions that a sentence of the document answers" in card
        assert "- 11 demonstrations beside the document" in card
        assert "with a passage in view" not in card
        assert "kept epoch 2; validation loss 0.75" in card
    assert "- 20 pairs of a right and a wrong response (30 kept of 60 asked for" in dpo
    assert "pairs of" not in sft
    assert "- dpo: " not in sft
    assert "How much isn't recorded." in model_card("n", "sft", make_evaluation(), params, {})


def test_it_prints_whatever_the_figures_depend_on(params: Params) -> None:
    settings = {"weights": "over the seed in nf4", "teacher": "mixtral, max_model_len 32768, revision b"}
    evaluation = make_evaluation(made_up="7" * 64).model_copy(update={"settings": settings})
    card = model_card("n", "sft", evaluation, params, {})
    assert "- weights: over the seed in nf4\n- teacher: mixtral, max_model_len 32768, revision b\n" in card
    assert f"- made_up: `{'7' * 64}`" in card


def test_it_names_a_served_teacher_with_its_revision(params: Params) -> None:
    served = {"artifact": None, "served": "mixtral", "revision": "b"}
    teacher = params.base_models.teacher.model_copy(update=served)
    models = params.base_models.model_copy(update={"teacher": teacher})
    other = params.model_copy(update={"base_models": models})
    assert "(served mixtral, revision b)" in model_card("n", "sft", make_evaluation(), other, {})
