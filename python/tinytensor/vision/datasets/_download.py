"""Fetching files: several mirrors, resumed where a download stopped, checked, and moved into place when whole."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import lzma
import os
import shutil
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHUNK = 1 << 16
AGENT = {"User-Agent": "tinytensor"}


def md5_of(path: str | os.PathLike[str], chunk_size: int = 1 << 20) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


def is_whole(path: str | os.PathLike[str], md5: str | None = None) -> bool:
    """Whether the file is there and, where a checksum is known, has it."""
    return os.path.isfile(path) and (md5 is None or md5_of(path) == md5)


class Progress:
    """A line on the terminal that tells how far a download is; silent elsewhere."""

    def __init__(self, name: str, total: int | None) -> None:
        self.name, self.total, self.shown = name, total, 0.0
        self.on = sys.stderr.isatty()

    def show(self, done: int, last: bool = False) -> None:
        now = time.monotonic()
        if not self.on or (now - self.shown < 0.1 and not last):
            return
        self.shown = now
        if self.total:
            filled = 30 * done // self.total
            amount = f"[{'#' * filled}{'.' * (30 - filled)}] {100 * done // self.total:3d} %"
        else:
            amount = f"{done / 1e6:.1f} MB"
        print(f"\r{self.name} {amount}", end="\n" if last else "", file=sys.stderr, flush=True)


def _open(request: urllib.request.Request, hops: int) -> Any:
    class Redirects(urllib.request.HTTPRedirectHandler):
        max_redirections = hops

    return urllib.request.build_opener(Redirects).open(request, timeout=30)


def _fetch(url: str, part: Path, hops: int) -> bool:
    """Adds to `part` what is missing of it, or starts anew where the server cannot resume. Tells whether it resumed."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={**AGENT, **({"Range": f"bytes={have}-"} if have else {})})
    try:
        response = _open(request, hops)
    except urllib.error.HTTPError as error:
        if (
            error.code != 416 or not have
        ):  # 416: the range is empty, because all is here or the file has changed
            raise
        part.unlink()
        return _fetch(url, part, hops)
    with response:
        resumed = response.status == 206
        done = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        progress = Progress(part.name.removesuffix(".part"), total)
        with open(part, "ab" if resumed else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress.show(done)
        progress.show(done, last=True)
    if total is not None and done != total:
        raise OSError(f"the connection ended after {done} of {total} bytes")
    return resumed


def _fetch_whole(url: str, part: Path, md5: str | None, hops: int) -> None:
    """Fetches `part` and checks it; what does not fit is thrown away, and fetched anew if it began as another's rest."""
    resumed = _fetch(url, part, hops)
    if is_whole(part, md5):
        return
    found = md5_of(part)
    part.unlink()
    if not resumed:
        raise OSError(f"what came has MD5 {found}, expected {md5}")
    _fetch_whole(url, part, md5, hops)


def download(
    urls: str | Sequence[str],
    root: str | os.PathLike[str],
    filename: str | None = None,
    md5: str | None = None,
    max_redirect_hops: int = 3,
) -> Path:
    """The file `root/filename`, fetched from the first of `urls` that has it, unless it is there already."""
    urls = [urls] if isinstance(urls, str) else list(urls)
    root = Path(root).expanduser()
    path = root / (filename or os.path.basename(urls[0]))
    if is_whole(path, md5):
        return path
    root.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    failures = []
    for url in urls:
        try:
            _fetch_whole(url, part, md5, max_redirect_hops)
        except (
            OSError,
            ValueError,
            http.client.HTTPException,
        ) as error:  # URLError and its kind are OSErrors
            failures.append(f"  {url}: {_reason(error)}")
            continue
        part.replace(path)
        return path
    reasons = "\n".join(failures)
    raise RuntimeError(
        f"could not download {path.name}:\n{reasons}\nTo go on without, put the file at {path.resolve()}"
    )


def _reason(error: Exception) -> str:
    bare = isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError)
    return str(error.reason if bare else error) or type(error).__name__


def extract(path: str | os.PathLike[str], to: str | os.PathLike[str]) -> None:
    """Unpacks tar (any compression), zip, gz and xz. Members that would land outside `to` are an error."""
    path, to = Path(path), Path(to)
    to.mkdir(parents=True, exist_ok=True)
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            _unpack_tar(archive, to)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(to)
    elif path.suffix in (".gz", ".xz"):
        opener = gzip.open if path.suffix == ".gz" else lzma.open
        part = to / f"{path.stem}.part"
        with opener(path, "rb") as source, open(part, "wb") as target:
            shutil.copyfileobj(source, target)
        part.replace(to / path.stem)
    else:
        raise RuntimeError(f"extract: {path} is no tar, zip, gz or xz file")


def _unpack_tar(archive: tarfile.TarFile, to: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        archive.extractall(to, filter="data")
        return
    root = to.resolve()
    for member in archive.getmembers():  # this Python is from before the filters
        inside = (root / member.name).resolve().is_relative_to(root)
        if not inside or not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"extract: {member.name!r} would land outside {to}, or is no plain file")
    archive.extractall(to)
