"""Fetching, checking and unpacking files, under torchvision's names."""

from __future__ import annotations

import os
from typing import Any

from ._download import download, extract, is_whole, md5_of


def calculate_md5(fpath: str | os.PathLike[str], chunk_size: int = 1024 * 1024) -> str:
    return md5_of(fpath, chunk_size)


def check_md5(fpath: str | os.PathLike[str], md5: str, **kwargs: Any) -> bool:
    return md5 == calculate_md5(fpath, **kwargs)


def check_integrity(fpath: str | os.PathLike[str], md5: str | None = None) -> bool:
    """Whether the file is there and, where a checksum is given, has it."""
    return is_whole(fpath, md5)


def download_url(
    url: str,
    root: str | os.PathLike[str],
    filename: str | os.PathLike[str] | None = None,
    md5: str | None = None,
    max_redirect_hops: int = 3,
) -> None:
    """The file at an address as root/filename, unless it is there already."""
    download(url, root, None if filename is None else os.fspath(filename), md5, max_redirect_hops)


def extract_archive(
    from_path: str | os.PathLike[str],
    to_path: str | os.PathLike[str] | None = None,
    remove_finished: bool = False,
) -> str:
    """Unpacks an archive beside itself, or to a path; returns where."""
    to_path = os.path.dirname(from_path) if to_path is None else to_path
    extract(from_path, to_path)
    if remove_finished:
        os.remove(from_path)
    return os.fspath(to_path)


def download_and_extract_archive(
    url: str,
    download_root: str | os.PathLike[str],
    extract_root: str | os.PathLike[str] | None = None,
    filename: str | os.PathLike[str] | None = None,
    md5: str | None = None,
    remove_finished: bool = False,
) -> None:
    """download_url, then extract_archive."""
    download_root = os.path.expanduser(download_root)
    filename = filename or os.path.basename(url)
    download_url(url, download_root, filename, md5)
    extract_archive(os.path.join(download_root, filename), extract_root or download_root, remove_finished)
