"""What synthesis will ask of the teacher, said before it is asked: requests, tokens, time and cost.

Value checks and calls for questions are certain. What follows from them depends on how much passes the
filters, which the corpus's last run says. Tokens are those of the real prompts of a chunk of mean length.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from charter.generation.budget import token_cost
from charter.generation.engine import Completion, Request
from charter.generation.journal import JournaledEngine
from charter.generation.teacher import open_teacher
from charter.project.errors import CharterError
from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.records import Chunk
from charter.project.storage import read_json, read_rows
from charter.synthesis.instruct import STYLES, plan_calls
from charter.synthesis.preference import STANCES
from charter.synthesis.requests import TeacherRequests
from charter.synthesis.rule_data import CALLS_A_RULE, QUESTIONS_A_CALL
from charter.synthesis.rules import stated_rules

DEFAULT_SHARES = {
    "value": 0.98,  # of chunks, those that state a value
    "scenario": 0.62,  # of scenarios asked for, those that get as far as their rule
    "contrast": 0.93,  # of those, the ones whose rule has a proper opposite
    "question": 0.72,  # of questions asked for, those that get an answer
    "answer": 0.78,  # of answers, those that are checked
    "rule": 0.68,  # of calls about a rule, those after which it isn't asked about again
}
"""What passes each step, of the two committed documents together by the embedded teacher."""

_YES_OR_NO = 0.4  # of checked answers, those that begin with Yes or No; no metric says it
_SENTENCE = "x" * 100  # as long as a question, an answer or a rule that isn't written yet
_TOKENS_A_CHARACTER = 0.22  # of an English prompt, until a calibration says it
_TIMED = 16  # requests of a kind that are timed; a server that runs more at once gets as many as it runs


@dataclass(frozen=True)
class Speed:
    """Seconds to the first answer, tokens a second read and generated, and tokens a character of a prompt."""

    start: float
    read: float
    write: float
    tokens_a_character: float


@dataclass(frozen=True)
class Workload:
    """Requests and their tokens; of ``prompt_tokens``, ``new_tokens`` stand behind what was read before."""

    requests: int
    prompt_tokens: int
    new_tokens: int
    generated_tokens: int


@dataclass(frozen=True)
class SynthesisEstimate:
    """What one corpus's synthesis asks from an empty journal; the last of ``purposes`` is all of them.

    Of its ``certain`` requests the journal answers ``known``; what follows from them isn't looked up.
    ``shares_from`` says where the shares are from. ``minutes`` needs a speed, and ``cost`` prices.
    """

    corpus: str
    purposes: dict[str, Workload]
    certain: int
    known: int
    shares_from: str
    minutes: float | None
    cost: float | None
    unit: str | None


def measure_speed(params: Params, corpora: Sequence[CorpusPaths]) -> Speed | None:
    """Time requests that are certain and not journalled yet, and keep the answers; None if few are left."""
    server = params.teacher.engine == "openai"
    count = max(_TIMED, params.teacher.concurrency) if server else _TIMED
    with open_teacher(params, corpora[0]) as teacher:
        certain = [request for paths in corpora for request in _certain(params, *_read(params, paths))]
        unknown = teacher.unknown(certain)
        verdicts = [request for request in unknown if request.alternatives][: count + 1]
        texts = [request for request in unknown if not request.alternatives][:count]
        if len(verdicts) < 2 or not texts:
            return None
        start, _ = _time(teacher, verdicts[:1], "start")
        reading, checked = _time(teacher, verdicts[1:], "reading")
        writing, written = _time(teacher, texts, "writing")
    characters = sum(_characters(request) for request in verdicts[1:])
    read = sum(answer.prompt_tokens or 0 for answer in checked) or characters * _TOKENS_A_CHARACTER
    generated = sum(answer.tokens for answer in written)
    return Speed(start, read / reading, generated / writing, read / characters)


def estimate_synthesis(params: Params, paths: CorpusPaths, speed: Speed | None) -> SynthesisEstimate:
    """Count what synthesis of a corpus asks.

    Raises:
        CharterError: The corpus isn't extracted, or its metrics are broken.
    """
    chunks, requests = _read(params, paths)
    shares, shares_from = read_shares(paths)
    ratio = speed.tokens_a_character if speed else _TOKENS_A_CHARACTER
    mean = fmean(len(chunk.text) for chunk in chunks)
    chunk = min(chunks, key=lambda chunk: abs(len(chunk.text) - mean))
    purposes, seconds = {}, speed.start if speed else 0.0
    for purpose, (count, example, generated) in _plan(params, chunks, chunk, requests, shares).items():
        # New is what stands behind the passage: value checks come first, and then an engine has read it.
        shown = example.messages[-1].content
        new = shown if purpose == "value check" else shown.rpartition(chunk.text)[2]
        work = Workload(
            requests=round(count),
            prompt_tokens=round(count * ratio * _characters(example)),
            new_tokens=round(count * ratio * len(new)),
            generated_tokens=round(count * generated),
        )
        purposes[purpose] = work
        if speed:  # A verdict is reading. A text is writing, in whose speed its reading is.
            reading = work.new_tokens / speed.read
            seconds += reading if example.alternatives else work.generated_tokens / speed.write
    total = Workload(*map(sum, zip(*(vars(work).values() for work in purposes.values()), strict=True)))
    prices = params.budget.prices
    certain = _certain(params, chunks, requests)
    with open_teacher(params, paths) as teacher:
        known = len(certain) - len(teacher.unknown(certain))
    return SynthesisEstimate(
        corpus=paths.name,
        purposes=purposes | {"all": total},
        certain=len(certain),
        known=known,
        shares_from=shares_from,
        minutes=seconds / 60 if speed else None,
        cost=token_cost(prices, total.prompt_tokens, total.generated_tokens) if prices else None,
        unit=prices.unit if prices else None,
    )


def read_shares(paths: CorpusPaths) -> tuple[dict[str, float], str]:
    """Return what passed each step of the corpus's last synthesis, `DEFAULT_SHARES` before it, and which.

    Raises:
        CharterError: The metrics are broken.
    """
    file = paths.metrics("synthesize")
    if not file.exists():
        return DEFAULT_SHARES, "the two documents that come with Charter"
    try:
        metrics = read_json(file)
        pairs, answers, rules = (metrics[kind] for kind in ("preference", "instruct", "rule"))
        verified = pairs["kept"] + pairs["rejected"].get("verification", 0)
        contrasted = verified + pairs["rejected"].get("contrast", 0)
        checked = answers["kept"] + answers["rejected"].get("support", 0)
        answered = checked + answers["rejected"].get("answer", 0)
        chunks = metrics["coverage"]["chunks"]
        parts = {
            "value": (chunks - pairs["chunks_without_value"], chunks),
            "scenario": (contrasted, pairs["requested"]),
            "contrast": (verified, contrasted),
            "question": (answered, answers["requested"]),
            "answer": (checked, answered),
            "rule": (rules["kept"] * QUESTIONS_A_CALL, rules["requested"]),
        }
    except (KeyError, TypeError) as error:
        raise CharterError(f"{file}: not the metrics of synthesize ({error}); delete it") from error
    shares = {name: part / whole if whole else DEFAULT_SHARES[name] for name, (part, whole) in parts.items()}
    return shares, f"its last run ({file.relative_to(paths.root)})"


def _plan(
    params: Params, chunks: Sequence[Chunk], chunk: Chunk, requests: TeacherRequests, shares: dict[str, float]
) -> dict[str, tuple[float, Request, int]]:
    """Return how many requests of each purpose there are, one of them, about ``chunk``, and tokens it gets.

    So many tokens a line the embedded teacher wrote on the two committed documents. A verdict is one.
    """
    settings = params.synthesize
    with_value = min(len(chunks) * shares["value"], settings.max_scenarios // settings.scenarios_per_chunk)
    scenarios = with_value * settings.scenarios_per_chunk * shares["scenario"]
    decided = scenarios * shares["contrast"]
    questions = len(plan_calls(chunks, settings))
    answers = questions * settings.questions_per_style * shares["question"]
    checked = answers * shares["answer"]
    rules = min(len({rule for chunk in chunks for rule in stated_rules(chunk)}), settings.max_rules)
    calls = sum((1 - shares["rule"]) ** turn for turn in range(CALLS_A_RULE))
    turned = min(rules, settings.max_rule_pairs)
    verdict, support = requests.verdict(chunk, _SENTENCE), requests.support(chunk, _SENTENCE)
    scenario = requests.scenarios(chunk, STANCES[0], settings.scenarios_per_chunk, 0)
    question = requests.questions(chunk, STYLES["content"], settings.questions_per_style, 0)
    rule_question = requests.rule_questions(chunk, _SENTENCE, 0)
    return {
        "value check": (len(chunks), requests.value_check(chunk), 1),
        "scenarios": (with_value, scenario, 24 * settings.scenarios_per_chunk),
        "opposite rules": (scenarios + turned, requests.opposite_rule(_SENTENCE), 26),
        "answers by the passage": (decided, verdict, 1),
        "answers by the rule": (2 * decided, requests.verdict(chunk, _SENTENCE, _SENTENCE), 1),
        "questions": (questions, question, 22 * settings.questions_per_style),
        "answers": (answers, requests.answer(chunk, _SENTENCE), 26),
        "support of answers": (checked, support, 1),
        "yes or no again": (checked * _YES_OR_NO, verdict, 1),
        "questions to rules": (rules * calls, rule_question, 22 * QUESTIONS_A_CALL),
        "truth of rules": (2 * turned, support, 1),
    }


def _read(params: Params, paths: CorpusPaths) -> tuple[list[Chunk], TeacherRequests]:
    if not paths.chunks.exists():
        raise CharterError(f"{paths.chunks}: no chunks yet; run `dvc repro extract@{paths.name}` first")
    title = params.corpora[paths.name].title
    return read_rows(paths.chunks, Chunk), TeacherRequests(title, params.synthesize.temperature)


def _certain(params: Params, chunks: Sequence[Chunk], requests: TeacherRequests) -> list[Request]:
    """Return the requests that follow from no answer."""
    count, seed = params.synthesize.questions_per_style, params.seed
    return [requests.value_check(chunk) for chunk in chunks] + [
        requests.questions(call.chunk, STYLES[call.style], count, seed)
        for call in plan_calls(chunks, params.synthesize)
    ]


def _time(teacher: JournaledEngine, asked: list[Request], kind: str) -> tuple[float, list[Completion]]:
    begin = time.monotonic()
    answers = teacher.complete(asked, f"calibration: {kind}")
    return time.monotonic() - begin, answers


def _characters(request: Request) -> int:
    return sum(len(message.content) for message in request.messages)
