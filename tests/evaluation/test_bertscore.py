import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from charter.evaluation.bertscore import BertScore
from charter.project.paths import ProjectPaths

pytestmark = pytest.mark.models

REFERENCES = [
    "Everyone has the right to leave any country, including their own, and to return to it.",
    "No one may be held in slavery, and the slave trade is prohibited in all its forms.",
    "Everyone charged with a crime is presumed innocent until proven guilty in a public trial.",
    "Elementary education must be free and compulsory for everyone.",
    "Employees must report gifts worth more than 50 euros to the compliance office within five days.",
    "A manager may not approve the expenses of a family member.",
    "Marriage requires the free and full consent of both spouses.",
    "Everyone doing the same work has a right to the same pay, without discrimination.",
    "Suppliers that use child labour lose their contract at once.",
    "Confidential documents have to be locked away at the end of the day.",
]
PARAPHRASES = [
    "All people may go out of any country, their own among them, and come back.",
    "Slavery is forbidden: nobody may be kept as a slave and slaves may not be traded.",
    "An accused person counts as innocent until a public court has proved the guilt.",
    "Basic schooling has to cost nothing, and every child must attend.",
    "If a gift is worth over 50 euros, tell the compliance office about it in five days.",
    "Expenses of relatives cannot be signed off by a manager.",
    "Two people can be married only if both freely agree to it.",
    "Equal work must be paid equally, whoever does it.",
    "We end the contract of a supplier immediately if children work there.",
    "Lock up secret papers before you go home in the evening.",
]
LIKE_WORDS = [
    "Everyone has the right to own property, including land, and to pass it on to heirs.",
    "No one may be arrested without reason, and exile is prohibited in all its forms.",
    "Everyone charged with a fee is informed in writing before it is due in a public notice.",
    "Higher education must be open and affordable for everyone.",
    "Employees must book trips longer than 50 kilometres through the travel office within five days.",
    "A manager may approve the holidays of a team member.",
    "Membership requires the full and timely payment of both fees.",
    "Everyone doing shift work has a right to a longer break, without discussion.",
    "Suppliers that deliver late pay their penalty at once.",
    "Company cars have to be parked inside at the end of the day.",
]


@pytest.fixture(scope="module")
def bert_score(base_models: ProjectPaths) -> BertScore:
    return BertScore(base_models.encoder, "the encoder")


def test_f_is_that_of_greedy_matching(bert_score: BertScore, base_models: ProjectPaths) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_models.encoder)
    model = AutoModel.from_pretrained(base_models.encoder)

    def vectors(text: str) -> torch.Tensor:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0, 1:-1]
        return torch.nn.functional.normalize(states, dim=-1)

    similarity = vectors(PARAPHRASES[0]) @ vectors(REFERENCES[0]).T
    precision, recall = similarity.amax(dim=1).mean(), similarity.amax(dim=0).mean()
    expected = float(2 * precision * recall / (precision + recall))
    # bert-score lets a token match the end markers, too: a little above at most
    assert bert_score(PARAPHRASES[:1], REFERENCES[:1])[0] == pytest.approx(expected, abs=0.02)


def test_meaning_counts_more_than_words(bert_score: BertScore) -> None:
    right, wrong = bert_score(PARAPHRASES, REFERENCES), bert_score(LIKE_WORDS, REFERENCES)
    assert (right > wrong).sum() >= 8


def test_the_same_text_scores_one_and_no_text_nothing(bert_score: BertScore) -> None:
    answers = [REFERENCES[0], "", " \n", "\N{ZERO WIDTH SPACE}"]
    assert bert_score(answers, REFERENCES[:4]) == pytest.approx([1, 0, 0, 0], abs=1e-5)
    assert bert_score(["", ""], REFERENCES[:2]).tolist() == [0, 0]


def test_a_text_beyond_the_encoders_window_is_scored(bert_score: BertScore) -> None:
    assert 0 < bert_score(["word " * 2000], REFERENCES[:1])[0] < 0.5


def test_the_signature_names_encoder_and_layer(bert_score: BertScore) -> None:
    assert bert_score.signature.startswith("the encoder, layer 6")
