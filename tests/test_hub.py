"""torch.hub: downloads with a cache and checked hashes, and models of a local hubconf.py. A server of our
own serves.
"""

import contextlib
import hashlib
import http.server
import io
import threading
import urllib.error

import pytest
from util import MODULE, torch

ours = pytest.mark.skipif(MODULE != "tinytensor", reason="differs from PyTorch")
hub = torch.hub


def checkpoint(value):
    buffer = io.BytesIO()
    torch.save({"weight": torch.full((2,), value)}, buffer)
    return buffer.getvalue()


DATA = checkpoint(3.0)
HASH = hashlib.sha256(DATA).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        if "absent" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(DATA) * (2 if "short" in self.path else 1)))
        self.end_headers()
        self.wfile.write(DATA)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path):
    before = hub.get_dir()
    hub.set_dir(tmp_path / "hub")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = []
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()
    hub.set_dir(before)


def test_the_folder_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert hub.get_dir() == str(tmp_path / "hub")
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert hub.get_dir() == str(tmp_path / "torch" / "hub")
    hub.set_dir(str(tmp_path / "other"))
    assert hub.get_dir() == str(tmp_path / "other")


def test_a_checkpoint_is_downloaded_once(server, tmp_path):
    url = f"{server.url}/model-{HASH[:8]}.pth?x=1"
    for _ in range(2):
        state = hub.load_state_dict_from_url(url, progress=False, check_hash=True)
        assert state["weight"].tolist() == [3, 3]
    assert len(server.asked) == 1
    assert (tmp_path / "hub" / "checkpoints" / f"model-{HASH[:8]}.pth").read_bytes() == DATA
    other = hub.load_state_dict_from_url(url, str(tmp_path / "here"), "cpu", False, file_name="named.pth")
    assert other["weight"].tolist() == [3, 3] and (tmp_path / "here" / "named.pth").exists()


def test_a_wrong_hash_leaves_no_file(server, tmp_path):
    target = tmp_path / "model.pth"
    with pytest.raises(RuntimeError, match='invalid hash value \\(expected "00000000"'):
        hub.download_url_to_file(f"{server.url}/model.pth", str(target), "00000000", progress=False)
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.load_state_dict_from_url(f"{server.url}/model-deadbeef.pth", check_hash=True, progress=False)
    assert not target.exists() and not list((tmp_path / "hub" / "checkpoints").iterdir())
    hub.download_url_to_file(f"{server.url}/model.pth", str(target), HASH[:10], progress=False)
    assert target.read_bytes() == DATA


@ours
def test_a_damaged_cache_is_fetched_again(server, tmp_path):
    name = f"model-{HASH[:8]}.pth"
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / name).write_bytes(b"damaged")
    state = hub.load_state_dict_from_url(f"{server.url}/{name}", progress=False, check_hash=True)
    assert state["weight"].tolist() == [3, 3]


@ours
def test_failed_downloads(server, tmp_path):
    with pytest.raises(urllib.error.HTTPError):
        hub.load_state_dict_from_url(f"{server.url}/absent.pth", progress=False)
    with pytest.raises(RuntimeError, match="ended after"):
        hub.download_url_to_file(f"{server.url}/short.pth", str(tmp_path / "a"), progress=False)
    assert not (tmp_path / "a").exists()
    with pytest.raises(ValueError, match="file_name"):
        hub.load_state_dict_from_url(server.url + "/", progress=False)


def test_progress_goes_to_the_error_stream(server, tmp_path, capsys):
    hub.download_url_to_file(f"{server.url}/model.pth", str(tmp_path / "a.pth"))
    printed = capsys.readouterr()
    assert printed.out == "" and "100" in printed.err


HUBCONF = '''
dependencies = ["json"]
from neighbour import scale as _scale

def model(size, factor=2):
    """A list of ones, scaled."""
    return [factor * _scale] * size

def _private():
    pass
'''


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "hubconf.py").write_text(HUBCONF)
    (folder / "neighbour.py").write_text("scale = 10\n")
    return folder


def test_models_of_a_folder(repository):
    assert hub.load(str(repository), "model", 2, source="local", factor=3) == [30, 30]
    with pytest.raises(RuntimeError, match="Cannot find callable absent"):
        hub.load(str(repository), "absent", source="local")
    with pytest.raises(ValueError, match="source"):
        hub.load(str(repository), "model", source="elsewhere")
    (repository / "hubconf.py").write_text('dependencies = ["no_such_package_here"]\n')
    with pytest.raises(RuntimeError, match="no_such_package_here"):
        hub.load(str(repository), "model", source="local")
    with pytest.raises(FileNotFoundError):
        hub.load(str(repository / "absent"), "model", source="local")


@ours
def test_names_and_documentation_of_a_folder(repository):
    assert hub.list(str(repository), source="local") == ["model"]
    assert hub.help(str(repository), "model", source="local") == "A list of ones, scaled."


@ours
def test_github_is_asked_politely(tmp_path, monkeypatch):
    before = hub.get_dir()
    hub.set_dir(tmp_path)

    def unreachable(url):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(hub, "_open_url", unreachable)
    monkeypatch.setattr("builtins.input", lambda question: "n")
    with contextlib.ExitStack() as stack:
        stack.callback(hub.set_dir, before)
        with pytest.raises(RuntimeError, match="source='local'"):
            hub.load("pytorch/vision", "resnet18")
        with pytest.raises(RuntimeError, match="cannot"):
            hub.load("pytorch/vision:v1", "resnet18")
        with pytest.raises(Exception, match="Untrusted"):
            hub.load("somebody/something:v1", "model")
        with pytest.raises(ValueError, match="owner/name"):
            hub.load("no-slash", "model")
        cached = tmp_path / "somebody_something_main"
        cached.mkdir()
        (cached / "hubconf.py").write_text("def model():\n    return 5\n")
        assert hub.load("somebody/something", "model", trust_repo=True, verbose=False) == 5
        assert hub.load("somebody/something", "model", verbose=False) == 5
