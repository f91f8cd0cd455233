"""Fetch a model's files from the hub: one commit, safetensors and settings alone, every byte checked."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_download
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import ModelInfo, RepoSibling

from core.config import Config
from core.errors import ConfigError, DownloadError, RoomwiseError, UnknownModelError
from core.files import sha256_file, storage_errors
from core.text import did_you_mean, strip_controls
from core.untrusted import Malformed, typed
from models.known import BUILTIN, HUB, PATTERNS
from models.pins import Commit, pin, pinned

_MAIN = "main"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class HubFile:
    """A file of a commit. The hub names a SHA-256 for large ones, and git's own SHA-1 for the others."""

    name: str
    size: int
    sha256: str = ""
    git_sha1: str = ""


@dataclass(frozen=True)
class HubCommit:
    """What would be fetched: the files of one commit of a repository, under this licence."""

    name: str
    repo: str
    commit: str
    licence: str
    files: tuple[HubFile, ...]

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(file.size for file in self.files)


def known_name(name: str) -> str:
    """The name itself. Raises UnknownModelError unless it is that of a model of the hub."""
    if name in HUB:
        return name
    if name in BUILTIN:
        raise UnknownModelError(f"{name} comes with the program: there is nothing to fetch. Use it as it is.")
    raise UnknownModelError(
        f"There is no model {name!r}. {did_you_mean(name, HUB)} "
        "Others: hf download OWNER/NAME --local-dir FOLDER, and give the folder as the model."
    )


def check_online(config: Config) -> None:
    """Raise ConfigError where no connection may be made."""
    if config.network.offline:
        raise ConfigError("Nothing is fetched: network.offline is set. Set it to false first.")
    if constants.HF_HUB_OFFLINE:
        raise ConfigError("Nothing is fetched: HF_HUB_OFFLINE is set. Unset it first.")


def look_up(name: str, revision: str | None = None) -> HubCommit:
    """Ask the hub what there is. Without a revision: the commit that was fetched before, else main's.

    Raises DownloadError.
    """
    model = HUB[name]
    wanted = revision or pinned(name, model.repo) or _MAIN
    with _hub_errors(name, model.repo):
        info = HfApi().model_info(model.repo, revision=wanted, files_metadata=True)
    try:
        commit: str = typed(Commit, info.sha)
    except Malformed as error:
        raise DownloadError(
            f"The hub names no commit of {model.repo} ({error}). Check HF_ENDPOINT."
        ) from error
    files = tuple(_file(item) for item in info.siblings or () if is_read(item.rfilename))
    if not any(file.name.endswith(".safetensors") for file in files):
        raise DownloadError(f"{model.repo} has no safetensors at {commit}. Choose another --revision.")
    return HubCommit(name, model.repo, commit, _licence(info) or model.licence, files)


def is_read(name: str) -> bool:
    """Whether a file of a repository is one that loading a model reads."""
    return "/" not in name and any(fnmatchcase(name, pattern) for pattern in PATTERNS)


def fetch(wanted: HubCommit, began: Callable[[HubFile], None]) -> Path:
    """The folder with all files, which from now on answers to the model's name.

    A cut connection is taken up where it broke; files that are here already are not fetched again. `began`
    is called with each. Raises DownloadError, also for bytes that are not those that the hub names.
    """
    folder = None
    for file in wanted.files:
        began(file)
        with _hub_errors(wanted.name, wanted.repo):
            path = Path(hf_hub_download(wanted.repo, file.name, revision=wanted.commit))
        _check(file, path, wanted.name)
        folder = path.parent
    if folder is None:
        raise ValueError("a commit without files")
    pin(wanted.name, wanted.repo, wanted.commit)
    return folder


def _file(item: RepoSibling) -> HubFile:
    if item.lfs is not None:
        return HubFile(item.rfilename, item.lfs.size, sha256=item.lfs.sha256)
    return HubFile(item.rfilename, item.size or 0, git_sha1=item.blob_id or "")


def _licence(info: ModelInfo) -> str:
    card = info.card_data
    name = (card.get("license_name") or card.get("license")) if card else None
    return strip_controls(name)[:40] if isinstance(name, str) else ""


def _check(file: HubFile, path: Path, name: str) -> None:
    """Raise DownloadError, and delete the file, unless it has the size and the digest that were named."""
    with storage_errors("read", path):
        if path.stat().st_size == file.size and _is_named(file, path):
            return
        path.resolve().unlink()
        path.unlink(missing_ok=True)
    raise DownloadError(
        f"{file.name} of {name} came damaged: its bytes are not those that the hub names. "
        f"It was deleted; fetch it again: roomwise models pull {name}"
    )


def _is_named(file: HubFile, path: Path) -> bool:
    if file.sha256:
        return sha256_file(path) == file.sha256
    return not file.git_sha1 or _git_sha1(path) == file.git_sha1


def _git_sha1(path: Path) -> str:
    """What git calls a file by."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextlib.contextmanager
def _hub_errors(name: str, repo: str) -> Iterator[None]:
    """Turn what the hub's client raises inside into a DownloadError."""
    try:
        yield
    except RoomwiseError:
        raise
    except GatedRepoError as error:
        raise DownloadError(
            f"{repo} is given only to those who accepted its licence. Accept it at "
            f"{constants.ENDPOINT}/{repo}, then: hf auth login"
        ) from error
    except RevisionNotFoundError as error:
        raise DownloadError(f"{repo} has no such revision. Leave --revision out, or check it.") from error
    except RepositoryNotFoundError as error:
        raise DownloadError(
            f"{constants.ENDPOINT} has no {repo}, or not for you. Check HF_ENDPOINT, or: hf auth login"
        ) from error
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
        raise DownloadError(
            f"{repo} cannot be fetched from {constants.ENDPOINT}: {reason}. Files that are whole stay; "
            f"go on later with: roomwise models pull {name}"
        ) from error
