"""Pretrained models: downloads with a cache, and models that a folder or a GitHub repository offers in
`hubconf.py`.

The cache is PyTorch's own folder ($TORCH_HOME/hub, by default ~/.cache/torch/hub), so downloads are shared
with it.
"""

from __future__ import annotations

import builtins
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

from ._files.atomic_file import replacing
from .serialization import load as _load_checkpoint

__all__ = [
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
]

HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")

_CHUNK = 1 << 17
_SECONDS_WITHOUT_DATA = 60
_TRUSTED_OWNERS = ("facebookresearch", "facebookincubator", "pytorch", "fairinternal")
_hub_dir: str | None = None


def _get_torch_home() -> str:
    """The folder of everything that is downloaded."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))


def get_dir() -> str:
    """The folder of the cache."""
    return os.path.join(_get_torch_home(), "hub") if _hub_dir is None else _hub_dir


def set_dir(d: str | os.PathLike) -> None:
    """Use another folder for the cache."""
    global _hub_dir
    _hub_dir = os.path.expanduser(os.fspath(d))


# ---------------------------------------------------------------- downloads


class _Progress:
    """A line on the error stream that counts megabytes."""

    def __init__(self, name: str, total: int | None, shown: bool) -> None:
        self._name, self._total, self._shown = name, total, shown
        self._done, self._step = 0, -1

    def advance(self, count: int) -> None:
        self._done += count
        step = self._done * 20 // self._total if self._total else self._done >> 20
        if not self._shown or step == self._step:
            return
        self._step = step
        amount = f"{self._done * 100 // self._total:3d} %" if self._total else f"{self._done >> 20} MB"
        print(f"\r{self._name}: {amount}", end="", file=sys.stderr, flush=True)

    def finish(self) -> None:
        if self._shown and self._step >= 0:
            print(file=sys.stderr, flush=True)


def _open_url(url: str) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": "torch.hub"})
    return urllib.request.urlopen(request, timeout=_SECONDS_WITHOUT_DATA)


def download_url_to_file(url: str, dst: str, hash_prefix: str | None = None, progress: bool = True) -> None:
    """Download a file. It appears when it is complete and its SHA-256 begins with `hash_prefix`, if that is
    given.
    """
    target = os.path.expanduser(os.fspath(dst))
    digest = hashlib.sha256()
    with _open_url(url) as source, replacing(target) as file:
        length = source.headers.get("Content-Length")
        total = int(length) if length is not None else None
        meter = _Progress(os.path.basename(target), total, progress)
        received = 0
        while chunk := source.read(_CHUNK):
            file.write(chunk)
            digest.update(chunk)
            received += len(chunk)
            meter.advance(len(chunk))
        meter.finish()
        if total is not None and received != total:
            raise RuntimeError(f"download_url_to_file: {url} ended after {received} of {total} bytes")
        if hash_prefix and not digest.hexdigest().startswith(hash_prefix):
            found = digest.hexdigest()[: len(hash_prefix)]
            raise RuntimeError(f'invalid hash value (expected "{hash_prefix}", got "{found}")')


def _has_hash(path: str, prefix: str) -> bool:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest().startswith(prefix)


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> Any:
    """Load a checkpoint from the internet, through the cache.

    With `check_hash` the file's name ends in the first digits of its SHA-256 (name-0123abcd.pth), which are
    checked. `weights_only=False` runs whatever code the file contains: only for sources that you trust.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else os.path.expanduser(model_dir)
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    if not name or os.path.basename(name) != name:
        raise ValueError(f"load_state_dict_from_url: {url} names no file; give file_name")
    path = os.path.join(folder, name)
    match = HASH_REGEX.search(name) if check_hash else None
    prefix = match.group(1) if match else None
    if not os.path.exists(path) or (prefix and not _has_hash(path, prefix)):
        if progress:
            print(f'Downloading: "{url}" to {path}', file=sys.stderr)
        download_url_to_file(url, path, prefix, progress=progress)
    return _load_checkpoint(path, map_location=map_location, weights_only=weights_only)


# ---------------------------------------------------------------- models of hubconf.py


@contextlib.contextmanager
def _first_on_path(folder: str) -> Iterator[None]:
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


@contextlib.contextmanager
def _hubconf(folder: str) -> Iterator[ModuleType]:
    """The module `hubconf.py` of a folder, whose neighbours can be imported meanwhile."""
    path = os.path.join(folder, "hubconf.py")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"hub: {folder} has no hubconf.py")
    with _first_on_path(folder):
        spec = importlib.util.spec_from_file_location("hubconf", path)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        needed = getattr(module, "dependencies", None) or ()
        missing = [name for name in needed if name != "torch" and importlib.util.find_spec(name) is None]
        if missing:
            raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
        yield module


def _entry(module: ModuleType, name: str) -> Callable:
    if not isinstance(name, str):
        raise ValueError(
            f"Invalid input: model should be a string of function name, got {type(name).__name__}"
        )
    found = getattr(module, name, None)
    if not callable(found):
        raise RuntimeError(f"Cannot find callable {name} in hubconf")
    return found


def _folder_of(
    repo_or_dir: str, source: str, force_reload: bool, trust_repo: Any, verbose: bool, skip_validation: bool
) -> str:
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    if source == "local":
        return os.path.abspath(os.path.expanduser(os.fspath(repo_or_dir)))
    return _github_folder(repo_or_dir, force_reload, trust_repo, verbose, skip_validation)


def load(
    repo_or_dir: str,
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: bool | str | None = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    **kwargs: Any,
) -> Any:
    """What the function `model` of a `hubconf.py` returns for the arguments.

    `repo_or_dir` is 'owner/name' or 'owner/name:branch' on GitHub, or a folder with `source="local"`.
    """
    folder = _folder_of(repo_or_dir, source, force_reload, trust_repo, verbose, skip_validation)
    with _hubconf(folder) as module:
        return _entry(module, model)(*args, **kwargs)


def list(
    github: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    verbose: bool = True,
    *,
    source: str = "github",
) -> builtins.list[str]:
    """The names of the models that a `hubconf.py` offers."""
    folder = _folder_of(github, source, force_reload, trust_repo, verbose, skip_validation)
    with _hubconf(folder) as module:
        return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def help(
    github: str,
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: bool | str | None = "check",
    *,
    source: str = "github",
) -> str | None:
    """The documentation of one model of a `hubconf.py`."""
    folder = _folder_of(github, source, force_reload, trust_repo, True, skip_validation)
    with _hubconf(folder) as module:
        return _entry(module, model).__doc__


# ---------------------------------------------------------------- GitHub


def _github_folder(
    repo: str, force_reload: bool, trust_repo: Any, verbose: bool, skip_validation: bool
) -> str:
    match = re.fullmatch(r"([\w.-]+)/([\w.-]+?)(?::([\w./-]+))?", repo)
    if match is None or ".." in repo:
        raise ValueError(f"hub: expected 'owner/name' or 'owner/name:branch', got {repo!r}")
    owner, name, ref = match.groups()
    ref = ref or _default_branch(owner, name)
    folder = os.path.join(get_dir(), "_".join([owner, name, ref.replace("/", "_")]))
    _check_trust(owner, name, trust_repo)
    if os.path.isdir(folder) and not force_reload:
        if verbose:
            print(f"Using cache found in {folder}", file=sys.stderr)
        return folder
    if not skip_validation:
        _check_belongs(owner, name, ref)
    os.makedirs(get_dir(), exist_ok=True)
    _fetch(f"https://github.com/{owner}/{name}/zipball/{ref}", folder, verbose)
    return folder


def _default_branch(owner: str, name: str) -> str:
    """'main' where there is one, otherwise 'master'; without network, the one that is in the cache."""
    try:
        with _open_url(f"https://github.com/{owner}/{name}/tree/main/"):
            return "main"
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return "master"
        raise
    except (urllib.error.URLError, TimeoutError) as error:
        for branch in ("main", "master"):
            if os.path.isdir(os.path.join(get_dir(), f"{owner}_{name}_{branch}")):
                return branch
        raise RuntimeError(
            f"hub: {owner}/{name} is not in the cache and GitHub cannot be reached ({error}); "
            "use source='local' with a folder that has the repository"
        ) from None


def _check_belongs(owner: str, name: str, ref: str) -> None:
    """GitHub serves commits of forks under the name of the original: those are refused."""
    for kind in ("branches", "tags"):
        for page in range(1, 101):
            url = f"https://api.github.com/repos/{owner}/{name}/{kind}?per_page=100&page={page}"
            try:
                with _open_url(url) as answer:
                    found = json.loads(answer.read())
            except (urllib.error.URLError, TimeoutError) as error:
                raise RuntimeError(
                    f"hub: GitHub cannot be asked for the branches of {owner}/{name}: {error}"
                ) from None
            if any(ref == one["name"] or one["commit"]["sha"].startswith(ref) for one in found):
                return
            if not found:
                break
    raise ValueError(f"Cannot find {ref} in https://github.com/{owner}/{name}: it may belong to a fork")


def _fetch(url: str, folder: str, verbose: bool) -> None:
    """Download an archive of a repository and unpack it as the folder."""
    unpacked = f"{folder}.{uuid.uuid4().hex}"
    archive = unpacked + ".zip"
    try:
        download_url_to_file(url, archive, progress=verbose)
        with zipfile.ZipFile(archive) as content:
            top = content.namelist()[0].partition("/")[0]
            content.extractall(unpacked)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(os.path.join(unpacked, top), folder)
    except urllib.error.URLError as error:
        raise RuntimeError(f"hub: {url} cannot be downloaded: {error}") from None
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink(archive)


def _check_trust(owner: str, name: str, trust_repo: Any) -> None:
    """A repository's hubconf.py is code that runs: it must be trusted, by argument, by list, or by an
    answer.
    """
    if trust_repo not in (True, False, None, "check"):
        raise ValueError(f"hub: trust_repo must be True, False, None or 'check', got {trust_repo!r}")
    path, entry = os.path.join(get_dir(), "trusted_list"), f"{owner}_{name}"
    known = []
    with contextlib.suppress(OSError), open(path) as file:
        known = file.read().split()
    trusted = owner in _TRUSTED_OWNERS or entry in known
    if trusted and trust_repo is not False:
        return
    if trust_repo is not True:
        question = f"The repository {owner}/{name} is not in the list of trusted ones. Trust it (y/N)? "
        try:
            answer = input(question).strip().lower()
        except EOFError:
            answer = ""
        if answer not in ("y", "yes"):
            raise Exception("Untrusted repository.")
    if entry not in known:
        os.makedirs(get_dir(), exist_ok=True)
        with open(path, "a") as file:
            file.write(entry + "\n")


def __getattr__(name: str) -> Any:
    # Programs take their progress bars from here.
    if name == "tqdm":
        from tqdm import tqdm

        return tqdm
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
