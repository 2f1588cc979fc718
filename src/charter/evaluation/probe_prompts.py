"""The prompts for safety and retention, as the project's files have them."""

from charter.evaluation.general_text import read_texts
from charter.evaluation.probes import Probes
from charter.project.exam_records import EverydayFact
from charter.project.params import Params
from charter.project.paths import ProjectPaths
from charter.project.records import GeneralPrompt, LabelledResponse, ProbePrompt
from charter.project.sampling import take_evenly
from charter.project.storage import read_rows
from charter.retrieval.encoder import Encoder
from charter.safety.refusal import RefusalDetector


def read_probes(params: Params, paths: ProjectPaths, encoder: Encoder) -> Probes | None:
    """Read the prompts, and fit what reads the answers; None where evaluate.safety_prompts asks for none."""
    count = params.evaluate.safety_prompts
    if not count:
        return None
    return Probes(
        harmful=take_evenly(read_rows(paths.probes("harmful"), ProbePrompt), count),
        benign=take_evenly(read_rows(paths.probes("benign"), ProbePrompt), count),
        general=take_evenly(read_rows(paths.general, GeneralPrompt), count),
        facts=take_evenly(read_rows(paths.facts, EverydayFact), params.evaluate.everyday_facts),
        texts=read_texts(paths.general_texts),
        windows=count,
        detector=RefusalDetector(read_rows(paths.labelled, LabelledResponse), encoder, params.seed),
        encoder=encoder,
    )
