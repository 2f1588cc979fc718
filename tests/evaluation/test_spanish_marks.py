"""Marks of answers in Spanish: questions, answers as people and models write them, and what each is worth."""

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.answer_words import split_answer
from charter.evaluation.key_facts import Scorer
from charter.evaluation.verdicts import read_verdict
from charter.project.exam_records import ExamQuestion
from exam_rows import question_of, unanswerable

ES = load_answer_language("es")

WORTH = question_of(
    "worth",
    question="¿Hasta qué valor se admite un regalo?",
    references=("Hasta 35 euros.", "Su valor es de treinta y cinco euros como máximo."),
    key_facts=(("35 euros",),),
    must_not_say=("50 euros",),
    quote="Se admite un regalo hasta un valor de 35 euros.",
)
REPORT = question_of(
    "report",
    question="¿A quién se comunica un regalo y en qué plazo?",
    references=("Al departamento jurídico, en dos semanas.", "En 2 semanas, al departamento jurídico."),
    key_facts=(("departamento jurídico",), ("dos semanas", "catorce días")),
    must_not_say=("departamento de compras",),
    quote="Los regalos se comunican al departamento jurídico en dos semanas.",
)
BRIBE = question_of(
    "bribe",
    question="¿Puedo aceptar una cena de un licitador?",
    references=("No, daría apariencia de soborno.", "No, está prohibido en toda ocasión."),
    key_facts=(("soborno", "prohibido", "prohibida"),),
    must_not_say=(),
    polarity="no",
    quote="Está prohibido lo que dé apariencia de soborno.",
)
LEAVE = question_of(
    "leave",
    question="¿Puede un empleado quedarse con un artículo publicitario?",
    references=("Sí, hasta 35 euros sin permiso.", "Sí, un artículo de 35 euros como mucho es libre."),
    key_facts=(("35 euros",),),
    must_not_say=(),
    polarity="yes",
    quote="Los artículos publicitarios de hasta 35 euros no requieren permiso.",
)
LIMIT = question_of(
    "limit",
    question="¿Cuánto puede costar una recepción?",
    references=("1.250,50 euros como máximo.", "No más de 1250,50 euros."),
    key_facts=(("1.250,50 euros",),),
    must_not_say=(),
    quote="Una recepción no supera los 1.250,50 euros.",
)
REST = question_of(
    "rest",
    question="¿Cuánto dura el descanso?",
    references=("1,5 días.", "Un día y medio, o sea 1,5 días."),
    key_facts=(("1,5 días", "un día y medio"),),
    must_not_say=(),
    quote="El descanso dura un día y medio.",
)
MONTH = question_of(
    "month",
    question="¿Cuánto tiempo se guarda un informe?",
    references=("Un mes.", "Durante un mes."),
    key_facts=(("un mes",),),
    must_not_say=(),
    quote="Los informes se guardan un mes.",
)
CHILD = question_of(
    "child",
    question="¿Qué pasa con un niño que fue contratado?",
    references=("No es despedido sin escuela.",),
    key_facts=(("despedido", "despide"), ("escuela", "escolarización")),
    must_not_say=(),
    quote="Ningún niño es despedido sin escuela.",
)
SILENT = unanswerable(
    "silent", question="¿A cuánto asciende la multa?", references=("El documento no lo dice.",)
)

CASES: list[tuple[ExamQuestion, str, str | None]] = [
    # An amount, as it is written.
    (WORTH, "35 €", None),
    (WORTH, "EUR 35", None),
    (WORTH, "35,00 euros como máximo", None),
    (WORTH, "Un regalo de treinta y cinco euros.", None),
    (WORTH, "Su valor no puede superar los 35 euros.", None),
    (WORTH, "Su valor no supera 35 euros.", None),
    (WORTH, "No más de 35 euros.", None),
    (WORTH, "Un regalo no puede valer más de 35 euros.", None),
    (WORTH, "Un regalo de más de 35 euros no se puede aceptar.", None),
    (WORTH, "No 50 euros, sino 35 euros.", None),
    (WORTH, "Se admite si no supera los 35 euros.", None),
    (WORTH, "53 euros", "misses a fact"),
    (WORTH, "35 dólares", "misses a fact"),
    (WORTH, "35 euros o 50 euros", "says what it must not"),
    (WORTH, "35 euros o 40 euros", "leaves it open"),
    (WORTH, "De 20 a 35 euros.", "leaves it open"),
    (WORTH, "Depende, quizá 35 euros.", "leaves it open"),
    (WORTH, "Eso depende del jefe: 35 euros.", "leaves it open"),
    (WORTH, "Tal vez 35 euros.", "leaves it open"),
    (WORTH, "Creo que son 35 euros.", "leaves it open"),
    (WORTH, "No estoy seguro, 35 euros.", "leaves it open"),
    (WORTH, "No son 35 euros.", "denies a fact"),
    (WORTH, "El documento no lo dice.", "doesn't answer"),
    (LIMIT, "1250,50 €", None),
    (LIMIT, "Como mucho 1.250,50 EUR", None),
    (LIMIT, "1,250.50 euros", None),
    (LIMIT, "No excede nunca de 1250,50 euros.", None),
    (LIMIT, "1.250 euros", "misses a fact"),
    (REST, "1.5 días", None),
    (REST, "1½ días", None),
    (REST, "15 días", "misses a fact"),
    (MONTH, "1 mes", None),
    (MONTH, "Al cabo de un mes se destruye.", None),
    (MONTH, "Seis meses", "misses a fact"),
    # Two facts.
    (REPORT, "2 semanas, departamento jurídico", None),
    (REPORT, "El departamento jurídico debe saberlo en 14 días.", None),
    (REPORT, "Se comunica en dos semanas al departamento jurídico.", None),
    (REPORT, "No más tarde de dos semanas, al departamento jurídico.", None),
    (REPORT, "No al departamento de compras, sino al departamento jurídico, en dos semanas.", None),
    (
        REPORT,
        "Al departamento de compras y al departamento jurídico, en dos semanas.",
        "says what it must not",
    ),
    (REPORT, "Al departamento jurídico en dos meses.", "misses a fact"),
    (REPORT, "Al departamento jurídico o al director general, en dos semanas.", "leaves it open"),
    (REPORT, "Ni al departamento jurídico ni a nadie en dos semanas.", "denies a fact"),
    # Yes and no.
    (BRIBE, "No, sería soborno.", None),
    (BRIBE, "No puede aceptarla: parecería soborno.", None),
    (BRIBE, "No se puede. Está prohibido.", None),
    (BRIBE, "Está prohibido, porque parece soborno.", None),
    (BRIBE, "En ningún caso, está prohibido.", None),
    (BRIBE, "Claro que no, está prohibido.", None),
    (BRIBE, "Sí, no es ningún soborno.", "wrong verdict"),
    (BRIBE, "Si, el soborno es otra cosa.", "wrong verdict"),
    (BRIBE, "Por supuesto, el soborno es otra cosa.", "wrong verdict"),
    (BRIBE, "No, no está prohibido.", "denies a fact"),
    (BRIBE, "No hay soborno en ello.", "denies a fact"),
    (BRIBE, "No.", "misses a fact"),
    (LEAVE, "Sí, hasta 35 euros.", None),
    (LEAVE, "Sí puede, hasta 35 euros.", None),
    (LEAVE, "Puede quedarse con él si vale 35 euros como mucho.", None),
    (LEAVE, "Si el artículo vale 35 euros como mucho, es libre.", None),
    (LEAVE, "No hace falta permiso, hasta 35 euros.", None),
    (LEAVE, "No necesita permiso; hasta 35 euros es libre.", None),
    (LEAVE, "No, 35 euros es demasiado.", "wrong verdict"),
    (LEAVE, "No puede, 35 euros es demasiado.", "wrong verdict"),
    (LEAVE, "De ninguna manera, 35 euros es demasiado.", "wrong verdict"),
    # A denial that the reference has too is none.
    (CHILD, "No se le despide sin escolarización.", None),
    (CHILD, "Nunca es despedido sin escuela.", None),
    # What the document doesn't say.
    (SILENT, "El documento no dice nada al respecto.", None),
    (SILENT, "Eso no se indica en el documento.", None),
    (SILENT, "No se menciona ningún importe; el artículo 7 habla solo de la prohibición.", None),
    (SILENT, "El código no especifica la cuantía.", None),
    (SILENT, "No está establecido en el documento.", None),
    (SILENT, "El texto guarda silencio sobre ello.", None),
    (SILENT, "No hay información sobre la multa.", None),
    (SILENT, "No lo sé.", None),
    (SILENT, "El documento habla de la multa sin precisar su importe.", None),
    (SILENT, "En ningún lugar se dice.", None),
    (SILENT, "Asciende a 500 euros.", "makes it up"),
    (SILENT, "El documento no lo dice, pero son 200 euros.", "makes it up"),
    (SILENT, "No puede ser alta.", "makes it up"),
    (SILENT, "Lo siento, pero no puedo ayudar con eso.", "makes it up"),
    (SILENT, "Sí.", "makes it up"),
]


@pytest.mark.parametrize(("question", "answer", "fault"), CASES)
def test_marks(question: ExamQuestion, answer: str, fault: str | None) -> None:
    assert Scorer(question, ES).mark(answer).fault == fault


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("¿Puedo aceptarlo?", "Sí.", "yes"),
        ("¿Puedo aceptarlo?", "Sí puede.", "yes"),
        ("¿Puedo aceptarlo?", "SÍ, CLARO", "yes"),
        ("¿Puedo aceptarlo?", "Si, claro.", "yes"),
        ("¿Puedo aceptarlo?", "Si lo comunica.", None),
        ("¿Puedo aceptarlo?", "Claro.", "yes"),
        ("¿Puedo aceptarlo?", "No.", "no"),
        ("¿Puedo aceptarlo?", "No usted no puede.", "no"),
        ("¿Puedo aceptarlo?", "No puede aceptarlo.", "no"),
        ("¿Puedo aceptarlo?", "No lo puede aceptar.", "no"),
        ("¿Puedo aceptarlo?", "Usted no puede aceptarlo.", "no"),
        ("¿El empleado puede aceptarlo?", "Ningún empleado puede aceptarlo.", "no"),
        ("¿Puedo aceptarlo?", "No puede superar 35 euros.", None),
        ("¿Puedo aceptarlo?", "No solo puede, sino que debe.", None),
        ("¿Puedo aceptarlo?", "No hay problema.", None),
        ("¿Puedo aceptarlo?", "No necesita permiso.", None),
        ("¿Puedo no declararlo?", "Puede no declararlo.", None),
        ("¿Debo declararlo?", "No debe declararlo.", "no"),
        ("¿Está permitido?", "No está permitido.", "no"),
        ("¿Está permitido?", "Esta regla lo permite.", None),
        ("¿Hay un límite?", "No hay límite.", "no"),
        ("¿Puedo aceptarlo?", "La respuesta a esa pregunta es: no.", "no"),
        ("¿Puedo aceptarlo?", "", None),
    ],
)
def test_verdicts(question: str, answer: str, verdict: str | None) -> None:
    assert read_verdict(split_answer(answer, ES), split_answer(question, ES), ES) == verdict


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("treinta y un días", "31 días"),
        ("treinta y una personas", "31 personas"),
        ("ciento veintidós", "122"),
        ("mil doscientos euros", "1.200 €"),
        ("doscientas mil", "200 000"),
        ("2,5 millones", "2.500.000"),
        ("entre treinta y cuarenta", "entre 30 y 40"),
        ("50 %", "cincuenta por ciento"),
        ("de los días", "del día"),
    ],
)
def test_ways_of_writing_are_one(first: str, second: str) -> None:
    assert split_answer(first, ES).text == split_answer(second, ES).text
