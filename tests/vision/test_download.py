"""Downloads, from servers on this machine: mirrors, what was begun before, checksums, and what an error says."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tinytensor.vision import datasets
from tinytensor.vision.datasets import utils
from tinytensor.vision.datasets._download import download, extract

CONTENT = bytes(range(256)) * 1000
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(BaseHTTPRequestHandler):
    """Paths say how the server behaves; the ranges that were asked for are noted."""

    protocol_version = "HTTP/1.0"
    files: dict = {}
    asked: list = []

    def log_message(self, *args):
        pass

    def do_GET(self):
        kind, _, name = self.path[1:].partition("/")
        content = self.files.get(name, CONTENT)
        wanted = self.headers.get("Range")
        self.asked.append((kind, wanted))
        if kind == "missing":
            return self.send_error(404)
        if kind.startswith("hops"):
            left = int(kind[4:])
            self.send_response(302)
            self.send_header("Location", f"/hops{left - 1}/{name}" if left > 1 else f"/good/{name}")
            return self.end_headers()
        start = int(wanted[6:-1]) if wanted and kind != "plain" else 0
        if start >= len(content):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        body = content[start:] if kind != "wrong" else b"?" * (len(content) - start)
        self.wfile.write(body[: len(body) // 2] if kind == "broken" else body)


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Server, "asked", [])
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


def check(path, root):
    assert path.read_bytes() == CONTENT and path.parent == root
    assert [other.name for other in root.iterdir()] == [path.name]


def test_a_file_is_fetched_once(server, tmp_path):
    root = tmp_path / "deep" / "root"
    for _ in range(2):
        check(download(f"{server}/good/file.bin", root, md5=MD5), root)
    assert Server.asked == [("good", None)]
    assert download(f"{server}/good/x", root, "other.bin").name == "other.bin"


def test_the_next_mirror_serves(server, tmp_path):
    dead = "http://127.0.0.1:1/file.bin"
    urls = [dead, f"{server}/missing/file.bin", f"{server}/wrong/file.bin", f"{server}/good/file.bin"]
    check(download(urls, tmp_path, md5=MD5), tmp_path)
    assert [kind for kind, _ in Server.asked] == ["missing", "wrong", "good"]


@pytest.mark.parametrize("kind, asked", [("good", ["bytes=1000-"]), ("plain", ["bytes=1000-"])])
def test_what_was_begun_is_continued(server, tmp_path, kind, asked):
    (tmp_path / "file.bin.part").write_bytes(CONTENT[:1000])
    check(download(f"{server}/{kind}/file.bin", tmp_path, md5=MD5), tmp_path)
    assert [wanted for _, wanted in Server.asked] == asked


@pytest.mark.parametrize("begun", [b"another" * 100, CONTENT + b"more"])
def test_what_was_begun_of_another_file_is_dropped(server, tmp_path, begun):
    (tmp_path / "file.bin.part").write_bytes(begun)
    check(download(f"{server}/good/file.bin", tmp_path, md5=MD5), tmp_path)
    assert [wanted for _, wanted in Server.asked] == [f"bytes={len(begun)}-", None]


def test_a_connection_that_ends_early(server, tmp_path):
    with pytest.raises(RuntimeError, match="ended after 128000 of 256000 bytes"):
        download(f"{server}/broken/file.bin", tmp_path, md5=MD5)
    check(download(f"{server}/good/file.bin", tmp_path, md5=MD5), tmp_path)
    assert Server.asked[-1] == ("good", "bytes=128000-")


def test_the_error_tells_all(server, tmp_path):
    with pytest.raises(RuntimeError) as caught:
        download(
            [f"{server}/missing/file.bin", f"{server}/wrong/file.bin", "http://127.0.0.1:1/x"],
            tmp_path,
            md5=MD5,
        )
    text = str(caught.value)
    assert "could not download file.bin" in text and f"{server}/missing/file.bin: HTTP Error 404" in text
    assert f"{server}/wrong/file.bin: what came has MD5" in text and MD5 in text
    assert "http://127.0.0.1:1/x: [Errno" in text and str(tmp_path / "file.bin") in text
    assert list(tmp_path.iterdir()) == []


def test_a_file_with_another_checksum_is_replaced(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"old")
    check(download(f"{server}/good/file.bin", tmp_path, md5=MD5), tmp_path)


def test_redirections(server, tmp_path):
    utils.download_url(f"{server}/hops3/file.bin", tmp_path, "a.bin", MD5)
    with pytest.raises(RuntimeError, match="redirect"):
        utils.download_url(f"{server}/hops5/file.bin", tmp_path, "b.bin", MD5, max_redirect_hops=2)


def test_a_dataset_from_its_second_mirror(server, tmp_path, monkeypatch):
    header = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28])
    images, labels = (
        gzip.compress(header + bytes(2 * 784)),
        gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 7])),
    )
    names = [name for name, _ in datasets.MNIST.resources]
    files = dict(zip(names, (images, labels, images, labels)))
    monkeypatch.setattr(Server, "files", files)
    monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{server}/missing/", f"{server}/good/"])
    sums = [(name, hashlib.md5(files[name]).hexdigest()) for name in names]
    monkeypatch.setattr(datasets.MNIST, "resources", sums)
    dataset = datasets.MNIST(tmp_path, train=False, download=True)
    assert dataset.targets.tolist() == [5, 7] and len(Server.asked) == 8
    datasets.MNIST(tmp_path, download=True)
    assert len(Server.asked) == 8 and (tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte").is_file()


@pytest.mark.parametrize("filters", [True, False], ids=["with filters", "without"])
def test_archives_stay_in_their_folder(tmp_path, monkeypatch, filters):
    if not filters:  # as in Pythons before 3.10.12 and 3.11.4
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
        plain = tarfile.TarFile.extractall
        monkeypatch.setattr(tarfile.TarFile, "extractall", lambda self, path: plain(self, path))
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no filters")

    def packed(name, **member):
        with tarfile.open(tmp_path / "packed.tar", "w") as archive:
            entry = tarfile.TarInfo(name)
            for key, value in member.items():
                setattr(entry, key, value)
            archive.addfile(entry, io.BytesIO(b"x" * entry.size))
        return tmp_path / "packed.tar"

    extract(packed("folder/file", size=3), tmp_path / "to")
    assert (tmp_path / "to" / "folder" / "file").read_bytes() == b"xxx"
    for name, member in (
        ("../evil", {"size": 3}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "../../evil"}),
        ("device", {"type": tarfile.CHRTYPE}),
    ):
        with pytest.raises(tarfile.TarError):
            extract(packed(name, **member), tmp_path / "to")
    assert not (tmp_path / "evil").exists()
