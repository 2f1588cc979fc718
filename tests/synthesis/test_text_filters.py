"""Filters that look at the text of a draft: what each refuses, and that it lets good text pass."""

from dataclasses import replace

import pytest

from charter.synthesis.drafts import Draft, Ledger
from charter.synthesis.steps import TextCheck, run_steps
from charter.synthesis.text_filters import (
    AnswerForm,
    AsksDuty,
    Contrast,
    Dangling,
    GivesReason,
    Grounded,
    HasRule,
    Mention,
    NamesTime,
    Numbers,
    QuestionForm,
    SituationForm,
    YesOrNo,
)
from rows import chunk_of
from synthesis_contexts import make_context

PASSAGE = "Gifts above 50 euros must be refused. They are entered in the register within five working days."
CHUNK = chunk_of(PASSAGE)
UNKNOWN = chunk_of(PASSAGE, language=None)
GOOD = Draft(
    CHUNK,
    rule="Gifts above 50 euros must be refused.",
    question="May an employee accept a gift worth 80 euros?",
    answer="No, gifts above 50 euros must be refused.",
)
FORM = QuestionForm(min_words=3, max_words=12)
SITUATION = SituationForm(min_words=3, max_words=12)
ANSWER = AnswerForm(max_words=60)
CONTRAST = Contrast(max_words=60, max_ratio=2.0)


def refused(step: TextCheck, draft: Draft) -> str | None:
    """Why a filter refuses a draft; what it keeps is what it was given."""
    ledger = Ledger("instruct")
    kept = step([GOOD, draft], make_context(CHUNK), ledger)
    assert kept[:1] == [GOOD], "a good row is to pass every filter"
    if len(kept) == 2:
        assert kept[1] is draft
        assert not ledger.rejected
        return None
    (row,) = ledger.rejected
    assert (row.kind, row.filter, row.chunk_id, row.raw) == (
        "instruct",
        step.name,
        draft.chunk.id,
        draft.written,
    )
    return row.reason


def asked(question: str) -> Draft:
    return replace(GOOD, question=question)


def answered(answer: str, question: str = GOOD.question) -> Draft:
    return replace(GOOD, question=question, answer=answer)


def ruled(rule: str, question: str = GOOD.question) -> Draft:
    return replace(GOOD, rule=rule, question=question)


PLANTED: list[tuple[TextCheck, Draft, str]] = [
    (FORM, asked("Gifts above 50 euros."), "doesn't end in a question mark"),
    (SITUATION, asked("I wonder."), "has 2 words, not 3 to 12"),
    (Mention(), asked("What does the passage say about gifts?"), "mentions 'the passage'"),
    (Dangling(), asked("What is the purpose of this right?"), "has nothing to refer to"),
    (YesOrNo(), asked("Who may keep a gift?"), "isn't answered with yes or no"),
    (HasRule(), ruled(""), "no sentence of the chunk is a rule by itself"),
    (AsksDuty(), ruled("Everyone may keep a gift.", "Must I keep a gift?"), "asks for a duty"),
    (ANSWER, answered("Gifts above 50 euros must be"), "doesn't end as a sentence"),
    (NamesTime(), answered("The manager keeps it.", "When is it kept?"), "names no time"),
    (GivesReason(), answered("Gifts are refused.", "Why are gifts refused?"), "gives no reason"),
    (Numbers(), answered("Those above 70 euros."), "has 70, which the passage hasn't"),
    (Grounded(0.6), answered("Zebras eat sandwiches near rivers."), "of its words, by weight"),
    (CONTRAST, replace(GOOD, rejected=GOOD.answer.upper()), "both are the same text"),
]
"""Each filter, a draft that it refuses, and its reason. GOOD is the neighbour that each lets pass."""

CONTRASTED = replace(GOOD, rejected="Yes, gifts above 50 euros are welcome.")


@pytest.mark.parametrize(("step", "draft", "reason"), PLANTED, ids=lambda value: type(value).__name__)
def test_each_filter_refuses_a_planted_row_for_its_own_reason_and_passes_the_next(
    step: TextCheck, draft: Draft, reason: str
) -> None:
    ledger = Ledger("preference")
    context = make_context(CHUNK)
    assert run_steps([step], [draft, CONTRASTED], context, ledger) == [CONTRASTED]
    (row,) = ledger.rejected
    assert (row.filter, row.kind) == (step.name, "preference")
    assert reason in row.reason
    assert ledger.count_by_filter() == {step.name: 1}
    # Switched off by its name it lets both pass, and so does another filter's name not.
    off = Ledger("preference")
    assert run_steps([step], [draft, CONTRASTED], make_context(CHUNK, without=[step.name]), off) == [
        draft,
        CONTRASTED,
    ]
    assert not off.rejected
    other = make_context(CHUNK, without=["another"])
    assert run_steps([step], [draft, CONTRASTED], other, Ledger("preference")) == [CONTRASTED]


@pytest.mark.parametrize(("step", "draft"), [planted[:2] for planted in PLANTED])
def test_a_filter_lets_rows_pass_in_languages_that_it_has_no_patterns_of(
    step: TextCheck, draft: Draft
) -> None:
    elsewhere = replace(draft, chunk=UNKNOWN)
    ledger = Ledger("preference")
    kept = step([elsewhere, draft], make_context(CHUNK, UNKNOWN), ledger)
    assert kept == ([elsewhere] if step.patterns else [])
    assert len(ledger.rejected) == (1 if step.patterns else 2)


def test_every_filter_says_what_it_refuses() -> None:
    for step, _, _ in PLANTED:
        assert step.summary.startswith("Refuses ")
        assert step.name == step.name.lower()


@pytest.mark.parametrize(
    ("step", "question", "reason"),
    [
        (FORM, "Everyone has rights.", "question mark"),
        (FORM, "Why so?", "has 2 words, not 3 to 12"),
        (FORM, "Is it so " + "very " * 12 + "dear?", "has 16 words, not 3 to 12"),
        (FORM, "In which contexts is slavery prohibited? When? Where?", "more than one question"),
        (Mention(), "What does the passage say about rights?", "'the passage'"),
        (Mention(), "What is forbidden by Article 12 in general?", "'Article 12'"),
        (Mention(), "What does this section demand of managers?", "'this section'"),
    ],
)
def test_bad_questions_are_refused(step: TextCheck, question: str, reason: str) -> None:
    assert reason in (refused(step, asked(question)) or "")


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("员工可以接受价值八十欧元的礼物吗？", "cmn"),
        ("هل يجوز للموظف قبول هدية قيمتها ثمانون يورو؟", "arb"),
        ("क्या कोई कर्मचारी अस्सी यूरो का उपहार ले सकता है?", "hin"),
        ("Может ли работник принять подарок?", "rus"),
        ("¿Puede un empleado aceptar un regalo?", "spa"),
        ("Μπορεί ένας υπάλληλος να δεχτεί δώρο;", "ell"),
        ("Ո՞վ կարող է նվեր ընդունել։", "hye"),
        ("従業員は八十ユーロの贈り物を受け取れますか？", None),
    ],
)
def test_questions_of_many_scripts_have_their_form(question: str, language: str | None) -> None:
    step = QuestionForm(min_words=3, max_words=90)
    chunk = chunk_of(PASSAGE, language=language)
    assert refused(step, replace(GOOD, chunk=chunk, question=question)) is None
    stated = question[:-1].replace("՞", "") + "."
    assert "question mark" in (refused(step, asked(stated)) or "")


@pytest.mark.parametrize("question", ["従業員は贈り物を受け取れますか。", "従業員は贈り物を受け取れますか"])
def test_japanese_asks_without_a_mark(question: str) -> None:
    assert refused(FORM, asked(question)) is None
    assert refused(FORM, asked("従業員は贈り物を受け取れます。")) == "doesn't end in a question mark"


@pytest.mark.parametrize("mark", ["？", "؟"])
def test_two_questions_of_other_scripts_are_more_than_one(mark: str) -> None:
    question = f"一二三四{mark}一二三四{mark}"
    assert refused(FORM, asked(question)) == "is more than one question"


def test_words_of_unspaced_scripts_are_counted() -> None:
    assert refused(FORM, asked("礼物？")) == "has 1 words, not 3 to 12"
    assert refused(SITUATION, asked("我收到了一块很贵的手表，该怎么办？")) is None, "eight words or so"
    assert refused(SITUATION, asked("表" * 30)) == "has 15 words, not 3 to 12"


def test_a_semicolon_asks_in_greek_alone() -> None:
    assert refused(FORM, asked("Gifts above 50 euros;")) == "doesn't end in a question mark"
    assert refused(ANSWER, answered("Gifts above 50 euros;")) == "doesn't end as a sentence"


def test_a_situation_needs_no_question_mark() -> None:
    told = asked("A supplier sends me a watch. What now, I wonder.")
    assert refused(SITUATION, told) is None
    assert refused(FORM, told) == "doesn't end in a question mark"


@pytest.mark.parametrize(
    ("step", "answer", "reason"),
    [
        (ANSWER, "", "empty"),
        (ANSWER, "The passage does not say who decides.", "doesn't answer"),
        (ANSWER, "NOT ANSWERED", "doesn't answer"),
        (ANSWER, "Gifts above 50 euros must be", "doesn't end"),
        (ANSWER, ("No. " * 80).strip(), "has 80 words, not 1 to 60"),
        (Mention(), "The text forbids it.", "'The text'"),
    ],
)
def test_bad_answers_are_refused(step: TextCheck, answer: str, reason: str) -> None:
    assert reason in (refused(step, answered(answer)) or "")


@pytest.mark.parametrize(
    "answer",
    [
        "不，五十欧元以上的礼物必须拒绝。",
        "नहीं, पचास यूरो से महँगे उपहार लौटाए जाते हैं।",
        "نہیں، پچاس یورو سے مہنگے تحفے واپس کیے جاتے ہیں۔",
        "Ոչ, նվերները վերադարձվում են։",
        "«Nein, Geschenke werden abgelehnt.»",
        "He said: “No, they are refused.”",
    ],
)
def test_sentences_of_many_scripts_end(answer: str) -> None:
    assert refused(ANSWER, answered(answer)) is None
    assert refused(ANSWER, answered(answer.rstrip(".。।۔։»”"))) == "doesn't end as a sentence"


def test_not_answered_is_no_answer_in_any_language() -> None:
    assert refused(ANSWER, replace(answered("NOT ANSWERED."), chunk=UNKNOWN)) is not None


def test_the_unfaithful_response_is_read_for_mentions_too() -> None:
    assert refused(Mention(), replace(GOOD, rejected="Article 3 allows it.")) == "mentions 'Article 3'"


def test_contrast_wants_another_text_of_like_length() -> None:
    rule, opposite = "Visitors must not feed the animals.", "Visitors are free to feed the animals."

    def contrasted(good: str, bad: str) -> str | None:
        draft = Draft(CHUNK, rule=good, opposite=bad)
        problem = refused_among([draft], CONTRAST)
        # Two responses are judged as a rule and its opposite are.
        assert refused_among([replace(draft, answer=good, rejected=bad)], CONTRAST) == problem
        return problem[0]

    assert contrasted(rule, opposite) is None
    assert contrasted(rule, "Visitors must NOT feed the animals!") == "both are the same text"
    assert contrasted(opposite, "Visitors may feed.") == "one is 2.1 times as long as the other"
    assert contrasted(rule, "Visitors are free to feed the") == "doesn't end as a sentence"
    assert contrasted(rule, "") == "is empty"


def refused_among(drafts: list[Draft], step: TextCheck) -> list[str | None]:
    ledger = Ledger("preference")
    kept = step(drafts, make_context(CHUNK), ledger)
    reasons = iter(ledger.rejected)
    return [None if draft in kept else next(reasons).reason for draft in drafts]


@pytest.mark.parametrize(
    ("question", "answer", "is_refused"),
    [
        ("When does the Declaration apply?", "The Declaration applies to all.", True),
        ("How long may records be kept?", "Records may be kept by the Legal Department.", True),
        ("By when is a gift entered?", "It is entered within 5 working days.", False),
        ("When may they be deleted?", "They may be deleted once the purpose ends.", False),
        ("Who decides?", "The manager decides.", False),
    ],
)
def test_an_answer_names_a_time_where_one_is_asked_for(question: str, answer: str, is_refused: bool) -> None:
    assert (refused(NamesTime(), answered(answer, question)) is not None) == is_refused


@pytest.mark.parametrize(
    ("language", "question", "rule", "is_refused"),
    [
        ("eng", "Why do children under 5 never fly alone?", "Children under 5 never fly alone.", True),
        ("eng", "Why are cards not read out?", "Cards are not read out, so that nobody copies them.", False),
        ("eng", "What are the reasons for a refusal?", "A refusal needs a supervisor.", True),
        ("eng", "Who gives the decision with its reasons?", "The board gives it.", False),
        ("deu", "Warum fliegen Kinder nie allein?", "Kinder fliegen nie allein.", True),
        ("fra", "Pourquoi les enfants ne volent-ils jamais seuls ?", "Ils ne volent jamais seuls.", True),
        ("spa", "¿Por qué no vuelan solos los niños?", "Los niños no vuelan nunca solos.", True),
        ("spa", "¿Por qué no vuelan solos los niños?", "No vuelan solos porque es peligroso.", False),
        ("hin", "बच्चे अकेले क्यों नहीं उड़ते?", "बच्चे अकेले नहीं उड़ते।", False),
    ],
)
def test_a_rule_gives_a_reason_where_its_question_asks_for_one(
    language: str, question: str, rule: str, is_refused: bool
) -> None:
    draft = Draft(chunk_of(rule, language=language), question=question, rule=rule)
    assert (refused(GivesReason(), draft) is not None) == is_refused


@pytest.mark.parametrize(
    "question",
    [
        "What is the purpose of this right?",
        "What does it protect?",
        "What is it for at all?",
        "For what purposes is it collecting data?",
        "Who is this guideline intended for?",
        "What is the right to?",
        "Where is this protection provided?",
        "Must an employee who receives such a request forward it?",
    ],
)
def test_a_question_that_points_at_what_its_reader_does_not_see_is_refused(question: str) -> None:
    assert "nothing to refer to" in (refused(Dangling(), asked(question)) or "")
    assert refused(Dangling(), asked("Why is it wrong to accept this watch, worth 80 euros?")) is None


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("May a person be denied a remedy?", "'denied' turns its answer round"),
        ("May a person have a remedy?", None),
        ("Did I enjoy the visit?", "doesn't ask what is allowed, required or forbidden"),
        ("Who may enter?", "isn't answered with yes or no"),
        ("I have some bread left. May I give it to the ducks?", None),
        ("May I share code under the Apache License 2.0 with others?", None),
        ("May I be refused a gift of EUR 2.50 by a guest?", "'refused' turns its answer round"),
    ],
)
def test_a_scenario_asks_for_what_is_done_and_not_for_its_denial(question: str, reason: str | None) -> None:
    assert refused(YesOrNo(), asked(question)) == reason


@pytest.mark.parametrize(
    ("question", "decided"),
    [
        ("Pouvez-vous travailler pendant vos congés payés ?", True),
        ("Mon chef refuse mes congés. Devrais-je accepter ?", True),
        ("Un agent peut-il garder ce cadeau ?", True),
        ("Pourriez-vous me dire si je peux dormir ?", False),
        ("Pourriez-vous m'expliquer ces congés ?", False),
        ("Pourquoi pouvez-vous garder ce cadeau ?", False),
        ("Quel est le but des congés ?", False),
    ],
)
def test_a_french_scenario_may_be_asked_in_the_person_s_own_voice(question: str, decided: bool) -> None:
    draft = replace(asked(question), chunk=chunk_of(PASSAGE, language="fra"))
    reason = None if decided else "isn't answered with yes or no"
    assert refused(YesOrNo(), draft) == reason


@pytest.mark.parametrize(
    ("scenario", "rule", "is_refused"),
    [
        ("Must a person return to their country?", "Everyone has the right to return to his country.", True),
        ("Is it necessary to join a union?", "Everyone may join trade unions.", True),
        ("Do I have to join a union?", "Everyone may join trade unions.", True),
        ("Must I wear a helmet?", "Helmets must be worn on site.", False),
        ("May I return to my country?", "Everyone has the right to return to his country.", False),
    ],
)
def test_a_duty_is_asked_for_only_where_one_is_stated(scenario: str, rule: str, is_refused: bool) -> None:
    assert (refused(AsksDuty(), ruled(rule, scenario)) is not None) == is_refused


def test_a_number_of_an_answer_may_be_that_of_the_documents_title() -> None:
    draft = answered("Licence 2.0 says that gifts above 50 euros are refused.")
    context = replace(make_context(CHUNK), title="Licence 2.0")
    assert refused(Numbers(), draft) == "has 2.0, which the passage hasn't"
    assert run_steps([Numbers()], [draft], context, Ledger("instruct")) == [draft]


def test_a_number_of_an_answer_is_in_its_passage_or_question() -> None:
    chunk = chunk_of("Gifts up to EUR 1,500 are recorded within five days; one is enough.")

    def numbered(answer: str, question: str = "What of gifts?") -> str | None:
        return refused(Numbers(), Draft(chunk, question=question, answer=answer))

    assert numbered("Within 5 days, up to EUR 1500.") is None
    assert numbered("No, two watches of EUR 90 are refused.", "May I keep 2 at EUR 90?") is None
    assert (numbered("Those above EUR 150, within 5 days.") or "").startswith("has 150,")
    assert numbered("Within three days.") == "has 3, which the passage hasn't"


@pytest.mark.parametrize(
    ("passage", "right", "wrong"),
    [
        ("السجل يحفظ لمدة 30 يوما.", "يحفظ لمدة ٣٠ يوما.", "يحفظ لمدة ٤٠ يوما."),
        ("रजिस्टर ३० दिन रखा जाता है।", "वह 30 दिन रखा जाता है।", "वह ३१ दिन रखा जाता है।"),
        ("登记簿保存３０天。", "保存30天。", "保存３１天。"),
        ("মূল্য ১৫০০ টাকা।", "মূল্য 1,500 টাকা।", "মূল্য ১৬০০ টাকা।"),
    ],
)
def test_numerals_of_other_scripts_are_the_same_numbers(passage: str, right: str, wrong: str) -> None:
    chunk = chunk_of(passage, language=None)
    assert refused(Numbers(), Draft(chunk, question="?", answer=right)) is None
    assert "which the passage hasn't" in (refused(Numbers(), Draft(chunk, question="?", answer=wrong)) or "")


def test_an_answer_says_most_of_its_words_with_the_passage() -> None:
    half = answered("Gifts must be refused, since zebras admire sandwiches.")
    reason = refused(Grounded(0.6), half)
    assert reason is not None
    assert reason.endswith("of its words, by weight, from the passage")
    share = int(reason.split("%")[0].split()[-1]) / 100
    assert refused(Grounded(share - 0.01), half) is None
