"""What an evaluation came from: the SHA-256 of everything that went in."""

from charter.project.params import Params
from charter.project.paths import CorpusPaths
from charter.project.storage import directory_sha256, file_sha256


def hash_inputs(params: Params, paths: CorpusPaths) -> dict[str, str]:
    """Return the hashes of a corpus's document, data and models, by the names that `Evaluation` lists.

    Raises:
        CharterError: A model is missing.
    """
    document = paths.root / params.corpora[paths.name].path
    return {
        "document": directory_sha256(document) if document.is_dir() else file_sha256(document),
        "chunks": file_sha256(paths.chunks),
        "sft_train": file_sha256(paths.instruct("train")),
        "preference_train": file_sha256(paths.preference("train")),
        "demonstrations": file_sha256(paths.demonstrations),
        "sft_test": file_sha256(paths.instruct("test")),
        "preference_test": file_sha256(paths.preference("test")),
        "seed": directory_sha256(paths.seed),
        "teacher": directory_sha256(paths.teacher),
        "encoder": directory_sha256(paths.encoder),
        **{f"{name}_adapter": directory_sha256(paths.adapter(name)) for name in ("cft", "sft", "dpo")},
    }
