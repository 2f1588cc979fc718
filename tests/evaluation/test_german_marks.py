"""Marks of answers in German: questions, answers as people and models write them, and what each is worth."""

import pytest

from charter.evaluation.answer_language import load_answer_language
from charter.evaluation.answer_words import split_answer
from charter.evaluation.key_facts import Scorer
from charter.evaluation.verdicts import read_verdict
from charter.project.exam_records import ExamQuestion
from exam_rows import question_of, unanswerable

DE = load_answer_language("de")

WORTH = question_of(
    "worth",
    question="Bis zu welchem Wert darf ich ein Geschenk annehmen?",
    references=("Bis 35 Euro.", "Geschenke im Wert von höchstens fünfunddreißig Euro sind erlaubt."),
    key_facts=(("35 Euro",),),
    must_not_say=("50 Euro",),
    quote="Geschenke bis zu einem Wert von 35 Euro dürfen angenommen werden.",
)
REPORT = question_of(
    "report",
    question="Wem ist ein Geschenk zu melden, und in welcher Frist?",
    references=("Der Rechtsabteilung binnen zwei Wochen.", "Innerhalb von 2 Wochen der Rechtsabteilung."),
    key_facts=(("Rechtsabteilung",), ("zwei Wochen", "14 Tage")),
    must_not_say=("Betriebsrat",),
    quote="Geschenke sind der Rechtsabteilung binnen zwei Wochen zu melden.",
)
BRIBE = question_of(
    "bribe",
    question="Darf ich von einem Bieter ein Abendessen annehmen?",
    references=("Nein, das erweckt den Anschein der Bestechlichkeit.", "Nein, es könnte bestechlich wirken."),
    key_facts=(("Bestechlichkeit", "bestechlich", "Anschein", "verboten", "untersagt"),),
    must_not_say=("erlaubt",),
    polarity="no",
    quote="Was den Anschein der Bestechlichkeit erweckt, ist untersagt.",
)
LEAVE = question_of(
    "leave",
    question="Darf ein Beschäftigter ein Werbegeschenk nicht ohne Erlaubnis behalten?",
    references=("Doch, bis 35 Euro ohne Genehmigung.", "Ja, Werbeartikel bis 35 Euro sind genehmigungsfrei."),
    key_facts=(("35 Euro",),),
    must_not_say=(),
    polarity="yes",
    quote="Werbeartikel bis 35 Euro sind genehmigungsfrei.",
)
LIMIT = question_of(
    "limit",
    question="Wie viel darf eine Bewirtung kosten?",
    references=("Höchstens 1.250,50 Euro.", "Nicht mehr als 1250,50 Euro."),
    key_facts=(("1.250,50 Euro",),),
    must_not_say=(),
    quote="Eine Bewirtung darf 1.250,50 Euro nicht übersteigen.",
)
REST = question_of(
    "rest",
    question="Wie lange ist die Ruhezeit?",
    references=("Eineinhalb Tage.", "1,5 Tage."),
    key_facts=(("1,5 Tage",),),
    must_not_say=(),
    quote="Die Ruhezeit beträgt anderthalb Tage.",
)
CHILD = question_of(
    "child",
    question="Was geschieht mit einem Kind, das eingestellt wurde?",
    references=("Es darf nicht ohne Schulplatz entlassen werden.",),
    key_facts=(("entlassen",), ("Schulplatz",)),
    must_not_say=(),
    quote="Kein Kind wird ohne Schulplatz entlassen.",
)
MONTH = question_of(
    "month",
    question="Wie lange wird ein Bericht aufbewahrt?",
    references=("Einen Monat.", "Ein Monat lang."),
    key_facts=(("ein Monat",),),
    must_not_say=(),
    quote="Berichte werden einen Monat aufbewahrt.",
)
SILENT = unanswerable(
    "silent", question="Wie hoch ist das Bußgeld?", references=("Das steht nicht im Dokument.",)
)

CASES: list[tuple[ExamQuestion, str, str | None]] = [
    # An amount, as it is written: with words, signs and codes, in any order.
    (WORTH, "35 €", None),
    (WORTH, "EUR 35", None),
    (WORTH, "Bis zu 35,00 Euro.", None),
    (WORTH, "Höchstens 35,- €, und zwar einmal im Jahr.", None),
    (WORTH, "Ein Geschenk darf fünfunddreißig Euro wert sein.", None),
    (WORTH, "Der Wert darf 35 Euro nicht übersteigen.", None),
    (WORTH, "Der Wert übersteigt 35 Euro nicht.", None),
    (WORTH, "Nicht mehr als 35 Euro.", None),
    (WORTH, "Geschenke über 35 Euro darf man nicht annehmen.", None),
    (WORTH, "Nicht 50 Euro, sondern 35 Euro.", None),
    (WORTH, "53 Euro.", "misses a fact"),
    (WORTH, "350 Euro", "misses a fact"),
    (WORTH, "35 Dollar", "misses a fact"),
    (WORTH, "35 Euro oder 50 Euro", "says what it must not"),
    (WORTH, "35 Euro oder 40 Euro", "leaves it open"),
    (WORTH, "Zwischen zwanzig und 35 Euro, oder 40.", "leaves it open"),
    (WORTH, "Von 20 bis 35 Euro.", "leaves it open"),
    (WORTH, "Das kommt darauf an, vielleicht 35 Euro", "leaves it open"),
    (WORTH, "Das hängt vom Vorgesetzten ab: 35 Euro.", "leaves it open"),
    (WORTH, "Ich glaube, es sind 35 Euro.", "leaves it open"),
    (WORTH, "Je nach Abteilung 35 Euro.", "leaves it open"),
    (WORTH, "Es könnten 35 Euro sein.", "leaves it open"),
    (WORTH, "Es gilt keine Grenze von 35 Euro.", "denies a fact"),
    (WORTH, "35 Euro sind nicht die Grenze.", "denies a fact"),
    (WORTH, "Keinesfalls 35 Euro.", "denies a fact"),
    (WORTH, "Man darf kein Geschenk von mehr als 35 Euro annehmen.", None),
    (WORTH, "Das sagt das Dokument nicht.", "doesn't answer"),
    (WORTH, "Dazu enthält der Kodex keine Angaben.", "doesn't answer"),
    (LIMIT, "Maximal 1250,50 €.", None),
    (LIMIT, "1 250,50 EUR", None),
    (LIMIT, "1,25050 Euro", "misses a fact"),
    (LIMIT, "Höchstens 1.250 Euro.", "misses a fact"),
    (REST, "Anderthalb Tage", None),
    (REST, "Sie dauert 1½ Tage.", None),
    (REST, "1.5 Tage", None),
    (REST, "15 Tage", "misses a fact"),
    (MONTH, "1 Monat", None),
    (MONTH, "Nach Ablauf eines Monats wird er vernichtet.", None),
    (MONTH, "Sechs Monate", "misses a fact"),
    # Two facts, a period in several forms.
    (REPORT, "2 Wochen, Rechtsabteilung", None),
    (REPORT, "Die Rechtsabteilung muss es in zwei Wochen wissen.", None),
    (REPORT, "Binnen 14 Tagen an die Rechtsabteilung.", None),
    (REPORT, "Es gilt eine zweiwöchige Frist; zuständig ist die Rechtsabteilung.", None),
    (REPORT, "Spätestens nach vierzehn Tagen, bei der Rechtsabteilung.", None),
    (REPORT, "Nicht später als zwei Wochen danach, der Rechtsabteilung.", None),
    (REPORT, "Nicht dem Betriebsrat, sondern der Rechtsabteilung, in zwei Wochen.", None),
    (REPORT, "Dem Betriebsrat und der Rechtsabteilung binnen zwei Wochen.", "says what it must not"),
    (REPORT, "Der Rechtsabteilung binnen zwei Monaten.", "misses a fact"),
    (REPORT, "Der Rechtsabteilung oder der Geschäftsführung binnen zwei Wochen.", "leaves it open"),
    (REPORT, "Weder der Rechtsabteilung noch sonst wem binnen zwei Wochen.", "denies a fact"),
    # Yes and no.
    (BRIBE, "Nein, das erweckt den Anschein der Bestechlichkeit.", None),
    (BRIBE, "Nein. Es ist untersagt.", None),
    (BRIBE, "Das ist verboten, weil es den Anschein von Bestechlichkeit erweckt.", None),
    (BRIBE, "Auf keinen Fall: Es wirkt bestechlich.", None),
    (BRIBE, "Das dürfen Sie nicht. Es erweckt den Anschein der Käuflichkeit.", None),
    (BRIBE, "Natürlich nicht, das ist untersagt.", None),
    (BRIBE, "Ja, das erweckt keinen Anschein der Bestechlichkeit.", "wrong verdict"),
    (BRIBE, "Doch, der Anschein ist egal.", "wrong verdict"),
    (BRIBE, "Sicher, denn der Anschein trügt.", "wrong verdict"),
    (BRIBE, "Nein, das ist nicht verboten.", "denies a fact"),
    (BRIBE, "Nein.", "misses a fact"),
    (BRIBE, "Kommt darauf an, ob der Anschein der Bestechlichkeit entsteht.", "leaves it open"),
    (LEAVE, "Doch, bis 35 Euro schon.", None),
    (LEAVE, "Ja, bis 35 Euro ist es genehmigungsfrei.", None),
    (LEAVE, "Doch bei Werbeartikeln gilt: bis 35 Euro.", None),
    (LEAVE, "Nein, bis 35 Euro ist es ihm verboten.", "wrong verdict"),
    (LEAVE, "Auf gar keinen Fall, 35 Euro hin oder her.", "wrong verdict"),
    # A denial that the reference has too is none.
    (CHILD, "Es wird nicht einfach entlassen, sondern bekommt einen Schulplatz.", None),
    (CHILD, "Ohne einen Schulplatz darf man es nicht entlassen.", None),
    # What the document doesn't say.
    (SILENT, "Dazu sagt das Dokument nichts.", None),
    (SILENT, "Ein Betrag wird nicht genannt, Artikel 7 spricht nur vom Verbot.", None),
    (SILENT, "Zur Höhe gibt es keine Angabe.", None),
    (SILENT, "Das geht aus dem Kodex nicht hervor.", None),
    (SILENT, "Die Richtlinie nennt keinen Betrag.", None),
    (SILENT, "Das lässt der Text offen.", None),
    (SILENT, "Über die Höhe steht darin nichts.", None),
    (SILENT, "Das legt das Dokument nicht fest; § 4 verbietet es nur.", None),
    (SILENT, "Dazu finde ich nichts.", None),
    (SILENT, "Das Bußgeld wird nicht näher bestimmt.", None),
    (SILENT, "Es steht Ihnen nicht zu, das zu fragen.", "makes it up"),
    (SILENT, "Das Bußgeld beträgt 500 Euro.", "makes it up"),
    (SILENT, "Das sagt das Dokument nicht, aber es sind 200 Euro.", "makes it up"),
    (SILENT, "Es ist bestimmt nicht hoch.", "makes it up"),
    (SILENT, "Man zahlt nichts dazu.", "makes it up"),
    (SILENT, "Es tut mir leid, aber dabei kann ich nicht helfen.", "makes it up"),
    (SILENT, "Ja.", "makes it up"),
]


@pytest.mark.parametrize(("question", "answer", "fault"), CASES)
def test_marks(question: ExamQuestion, answer: str, fault: str | None) -> None:
    assert Scorer(question, DE).mark(answer).fault == fault


@pytest.mark.parametrize(
    ("question", "answer", "verdict"),
    [
        ("Darf ich es annehmen?", "Ja.", "yes"),
        ("Darf ich es annehmen?", "Ja das dürfen Sie.", "yes"),
        ("Darf ich es nicht annehmen?", "Doch, natürlich.", "yes"),
        ("Darf ich es annehmen?", "Doch wer es annimmt, wird entlassen.", None),
        ("Darf ich es annehmen?", "Natürlich, das ist in Ordnung.", "yes"),
        ("Darf ich es annehmen?", "Natürlich darf man das nicht.", "no"),
        ("Darf ich es annehmen?", "Genau 35 Euro sind erlaubt.", None),
        ("Darf ich es annehmen?", "Die Antwort auf diese Frage lautet: Nein.", "no"),
        ("Darf ich es annehmen?", "Nein das dürfen Sie nicht.", "no"),
        ("Darf ich es annehmen?", "Niemals.", "no"),
        ("Darf ich es annehmen?", "Sie dürfen das Geschenk in diesem Fall nicht annehmen.", "no"),
        ("Darf ich es annehmen?", "Sie dürfen keine Geschenke annehmen.", "no"),
        ("Darf ich es annehmen?", "Niemand darf das.", "no"),
        ("Darf ich es annehmen?", "Sie dürfen es annehmen und müssen es nicht melden.", None),
        ("Darf ich es annehmen?", "Sie dürfen Geschenke von nicht mehr als 35 Euro annehmen.", None),
        ("Darf ich es annehmen?", "Nicht nur dürfen Sie es, Sie sollen es.", None),
        ("Mein Chef will es. Muss ich es tun?", "Das müssen Sie nicht.", "no"),
        ("Muss man es melden?", "Man braucht es nicht zu melden.", None),
        ("Ist das erlaubt?", "Das ist nicht erlaubt.", "no"),
        ("Ist das erlaubt?", "Keine Regel verbietet es.", None),
        ("Darf ich es annehmen?", "", None),
    ],
)
def test_verdicts(question: str, answer: str, verdict: str | None) -> None:
    assert read_verdict(split_answer(answer, DE), split_answer(question, DE), DE) == verdict


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("zweihundertfünfzig Euro", "250 €"),
        ("dreitausendvierhundert", "3.400"),
        ("einundzwanzigtausend", "21 000"),
        ("hundertundeins", "101"),
        ("2,5 Millionen Euro", "EUR 2.500.000"),
        ("1,250 kg", "1·250 kg"),
        ("dreißigtägige", "30 Tage"),
        ("30-tägig", "30 Tage"),
        ("50 %", "fünfzig Prozent"),
        ("Große Maße", "GROSSE MASSE"),
    ],
)
def test_ways_of_writing_are_one(first: str, second: str) -> None:
    assert split_answer(first, DE).text == split_answer(second, DE).text


@pytest.mark.parametrize("word", ["einsam", "achtung", "einig", "vierteljahr", "zehnt", "elfenbein"])
def test_words_that_begin_like_a_number_stay_as_they_are(word: str) -> None:
    assert split_answer(word, DE).text == word
