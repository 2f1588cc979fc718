"""Marks of answers in French: questions, answers as people and models write them, and what each is worth."""

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.answer_words import split_answer
from charter.evaluation.key_facts import Scorer
from charter.evaluation.verdicts import read_verdict
from charter.project.exam_records import ExamQuestion
from exam_rows import question_of, unanswerable

FR = load_answer_language("fr")

WORTH = question_of(
    "worth",
    question="Jusqu'à quelle valeur un cadeau est-il admis ?",
    references=("Jusqu'à 35 euros.", "Sa valeur est de trente-cinq euros au maximum."),
    key_facts=(("35 euros",),),
    must_not_say=("50 euros",),
    quote="Un cadeau est admis jusqu'à une valeur de 35 euros.",
)
REPORT = question_of(
    "report",
    question="À qui un cadeau doit-il être signalé, et dans quel délai ?",
    references=("Au service juridique dans les deux semaines.", "Dans les 2 semaines, au service juridique."),
    key_facts=(("service juridique",), ("deux semaines", "quinze jours")),
    must_not_say=("direction des achats",),
    quote="Tout cadeau est signalé au service juridique dans les deux semaines.",
)
BRIBE = question_of(
    "bribe",
    question="Puis-je accepter un dîner offert par un soumissionnaire ?",
    references=("Non, cela donnerait une apparence de corruption.", "Non, c'est interdit en toute occasion."),
    key_facts=(("corruption", "interdit", "interdite"),),
    must_not_say=(),
    polarity="no",
    quote="Est interdit tout ce qui donne une apparence de corruption.",
)
LEAVE = question_of(
    "leave",
    question="Le salarié ne peut-il pas garder un objet publicitaire ?",
    references=("Si, jusqu'à 35 euros sans autorisation.", "Oui, un objet de 35 euros au plus est libre."),
    key_facts=(("35 euros",),),
    must_not_say=(),
    polarity="yes",
    quote="Les objets publicitaires sont libres d'autorisation jusqu'à 35 euros.",
)
LIMIT = question_of(
    "limit",
    question="Combien peut coûter une réception ?",
    references=("1 250,50 euros au plus.", "Pas plus de 1250,50 euros."),
    key_facts=(("1 250,50 euros",),),
    must_not_say=(),
    quote="Une réception n'excède pas 1 250,50 euros.",
)
REST = question_of(
    "rest",
    question="Combien de temps dure le repos ?",
    references=("1,5 jour.", "Un jour et demi, soit 1,5 jour."),
    key_facts=(("1,5 jour", "un jour et demi"),),
    must_not_say=(),
    quote="Le repos dure un jour et demi.",
)
MONTH = question_of(
    "month",
    question="Combien de temps garde-t-on un rapport ?",
    references=("Un mois.", "Pendant un mois."),
    key_facts=(("un mois",),),
    must_not_say=(),
    quote="Les rapports sont gardés un mois.",
)
CHILD = question_of(
    "child",
    question="Que devient un enfant qui a été embauché ?",
    references=("Il n'est pas renvoyé sans école.",),
    key_facts=(("renvoyé",), ("école", "scolarité")),
    must_not_say=(),
    quote="Aucun enfant n'est renvoyé sans école.",
)
OLD = question_of(
    "old",
    question="À partir de quel âge peut-on être embauché ?",
    references=("À partir de quatre-vingt-dix-sept jours.", "97 jours."),
    key_facts=(("97 jours",),),
    must_not_say=(),
    quote="Après 97 jours.",
)
SILENT = unanswerable(
    "silent", question="À combien s'élève l'amende ?", references=("Le document ne le dit pas.",)
)

CASES: list[tuple[ExamQuestion, str, str | None]] = [
    # An amount, as it is written.
    (WORTH, "35 €", None),
    (WORTH, "EUR 35", None),
    (WORTH, "35,00 euros au maximum", None),
    (WORTH, "Un cadeau d’une valeur de trente-cinq euros.", None),
    (WORTH, "Sa valeur ne doit pas dépasser 35 euros.", None),
    (WORTH, "Sa valeur ne dépasse pas 35 euros.", None),
    (WORTH, "Pas plus de 35 euros.", None),
    (WORTH, "Un cadeau de plus de 35 euros ne peut pas être accepté.", None),
    (WORTH, "Le cadeau peut être accepté jusqu'à 35 euros.", None),
    (WORTH, "Non pas 50 euros mais 35 euros.", None),
    (WORTH, "À compter du jour où il est reçu, 35 euros.", None),
    (WORTH, "53 euros", "misses a fact"),
    (WORTH, "35 dollars", "misses a fact"),
    (WORTH, "35 euros ou 50 euros", "says what it must not"),
    (WORTH, "35 euros ou 40 euros", "leaves it open"),
    (WORTH, "De 20 à 35 euros.", "leaves it open"),
    (WORTH, "Ça dépend, 35 euros peut-être.", "leaves it open"),
    (WORTH, "Peut‐être 35 euros", "leaves it open"),
    (WORTH, "Je crois que c'est 35 euros.", "leaves it open"),
    (WORTH, "Je ne suis pas sûr, 35 euros.", "leaves it open"),
    (WORTH, "Selon les cas, 35 euros.", "leaves it open"),
    (WORTH, "Ce n'est pas 35 euros.", "denies a fact"),
    (WORTH, "Le document n'en dit rien.", "doesn't answer"),
    (LIMIT, "1250,50 €", None),
    (LIMIT, "Au plus 1.250,50 EUR", None),
    (LIMIT, "Elle n'excède jamais 1 250,50 euros.", None),
    (LIMIT, "1 250 euros", "misses a fact"),
    (REST, "1,5 jours", None),
    (REST, "1½ jour", None),
    (REST, "15 jours", "misses a fact"),
    (OLD, "97 jours", None),
    (OLD, "Quatre-vingt dix-sept jours", None),
    (OLD, "Quatre-vingt-sept jours", "misses a fact"),
    (MONTH, "1 mois", None),
    (MONTH, "Au bout d'un mois on le détruit.", None),
    (MONTH, "Six mois", "misses a fact"),
    # Two facts.
    (REPORT, "2 semaines, service juridique", None),
    (REPORT, "Le service juridique doit l'apprendre dans les 15 jours.", None),
    (REPORT, "C'est au service juridique qu'on le signale, en deux semaines.", None),
    (REPORT, "Au plus tard deux semaines après, auprès du service juridique.", None),
    (REPORT, "Pas à la direction des achats, mais au service juridique, en deux semaines.", None),
    (REPORT, "À la direction des achats et au service juridique en deux semaines.", "says what it must not"),
    (REPORT, "Au service juridique dans les deux mois.", "misses a fact"),
    (REPORT, "Au service juridique ou au directeur général, en deux semaines.", "leaves it open"),
    (REPORT, "Ni au service juridique ni ailleurs en deux semaines.", "denies a fact"),
    # Yes and no.
    (BRIBE, "Non, ce serait une apparence de corruption.", None),
    (BRIBE, "Non. C'est interdit.", None),
    (BRIBE, "C'est interdit, car cela ressemble à de la corruption.", None),
    (BRIBE, "En aucun cas, c'est interdit.", None),
    (BRIBE, "Bien sûr que non, c'est interdit.", None),
    (BRIBE, "Vous ne pouvez pas. Il y aurait corruption.", None),
    (BRIBE, "Oui, il n'y a aucune corruption.", "wrong verdict"),
    (BRIBE, "Bien sûr, la corruption est autre chose.", "wrong verdict"),
    (BRIBE, "Si, la corruption est autre chose.", "wrong verdict"),
    (BRIBE, "Tout à fait, ce n'est pas interdit.", "wrong verdict"),
    (BRIBE, "Non, ce n'est pas interdit.", "denies a fact"),
    (BRIBE, "Non.", "misses a fact"),
    (LEAVE, "Si, jusqu'à 35 euros.", None),
    (LEAVE, "Oui, s'il vaut 35 euros au plus.", None),
    (LEAVE, "Si l'objet vaut 35 euros au plus, il est libre.", None),
    (LEAVE, "Non, 35 euros c'est trop.", "wrong verdict"),
    (LEAVE, "Pas du tout : 35 euros, c'est trop.", "wrong verdict"),
    # A denial that the reference has too is none.
    (CHILD, "On ne peut pas simplement le renvoyer : il n'est renvoyé qu'avec une école.", None),
    (CHILD, "Il n'est jamais renvoyé sans scolarité.", None),
    # What the document doesn't say.
    (SILENT, "Le document n'en dit rien.", None),
    (SILENT, "Ce n'est pas précisé dans le document.", None),
    (SILENT, "Aucun montant n'est indiqué ; l'article 7 ne parle que de l'interdiction.", None),
    (SILENT, "Le code ne donne aucune indication sur l'amende.", None),
    (SILENT, "Le montant n'est mentionné nulle part.", None),
    (SILENT, "Le texte est muet sur ce point.", None),
    (SILENT, "Rien dans le document ne permet de le savoir.", None),
    (SILENT, "Le document ne répond pas à cette question.", None),
    (SILENT, "Le document parle de l'amende sans préciser son montant.", None),
    (SILENT, "L'amende s'élève à 500 euros.", "makes it up"),
    (SILENT, "Le document ne le dit pas, mais c'est 200 euros.", "makes it up"),
    (SILENT, "Elle ne peut pas être élevée.", "makes it up"),
    (SILENT, "Je suis désolé, mais je ne peux pas vous aider avec cela.", "makes it up"),
    (SILENT, "Oui.", "makes it up"),
]


@pytest.mark.parametrize(("question", "answer", "fault"), CASES)
def test_marks(question: ExamQuestion, answer: str, fault: str | None) -> None:
    assert Scorer(question, FR).mark(answer).fault == fault


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("Puis-je l'accepter ?", "Oui.", "yes"),
        ("Puis-je l'accepter ?", "Oui, bien sûr.", "yes"),
        ("Puis-je l'accepter ?", "Bien sûr.", "yes"),
        ("Ne puis-je pas l'accepter ?", "Si, vous le pouvez.", "yes"),
        ("Puis-je l'accepter ?", "Si vous le signalez.", None),
        ("Puis-je l'accepter ?", "S'il vaut peu.", None),
        ("Puis-je l'accepter ?", "Non vous ne pouvez pas.", "no"),
        ("Puis-je l'accepter ?", "Non seulement vous pouvez, mais vous devez.", None),
        ("Puis-je l'accepter ?", "Absolument interdit.", None),
        ("Puis-je l'accepter ?", "Absolument pas.", "no"),
        ("Puis-je l'accepter ?", "La réponse à cette question est : non.", "no"),
        ("Puis-je l'accepter ?", "Vous ne pouvez pas l'accepter.", "no"),
        ("Puis-je l'accepter ?", "Vous ne pouvez pas dépasser 35 euros.", None),
        ("Puis-je l'accepter ?", "Vous ne pouvez accepter que de petits cadeaux.", None),
        ("Le salarié peut-il l'accepter ?", "Il ne peut pas l'accepter.", "no"),
        ("Le salarié peut-il l'accepter ?", "Aucun salarié ne peut l'accepter.", "no"),
        ("Est-ce que je dois le signaler ?", "Vous ne devez rien signaler.", "no"),
        ("Est-ce que je dois le signaler ?", "Ce n'est pas nécessaire.", "no"),
        ("Puis-je ne pas le signaler ?", "Vous pouvez ne pas le signaler.", None),
        ("Puis-je l'accepter ?", "", None),
    ],
)
def test_verdicts(question: str, answer: str, verdict: str | None) -> None:
    assert read_verdict(split_answer(answer, FR), split_answer(question, FR), FR) == verdict


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("quatre-vingt-dix-neuf", "99"),
        ("soixante et onze", "71"),
        ("soixante-dix-sept", "77"),
        ("vingt et un ans", "21 ans"),
        ("deux cent cinquante euros", "250 €"),
        ("deux mille trois cents", "2 300"),
        ("2,5 millions d'euros", "2,5 millions d’euros"),
        ("1,250 kg", "1·250 kg"),
        ("l’employé", "employé"),
        ("aujourd'hui", "AUJOURD’HUI"),
        ("50 %", "cinquante pour cent"),
    ],
)
def test_ways_of_writing_are_one(first: str, second: str) -> None:
    assert split_answer(first, FR).text == split_answer(second, FR).text


def test_where_is_no_or() -> None:
    assert split_answer("le jour où", FR).text == "jour où"
    assert split_answer("un jour ou deux", FR).text == "1 jour ou 2"
