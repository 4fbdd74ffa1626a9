"""Event files: read back by the rules of their form, and by TensorBoard where it is installed."""

import os
import struct

import numpy
import pytest
import tinytensor as torch
from tinytensor.utils.tensorboard import SummaryWriter


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def message(data):
    """The fields of a protocol buffer: number -> list of values."""
    fields, at = {}, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        else:
            size = {1: 8, 5: 4}.get(kind) or varint()
            value = data[at : at + size]
            at += size
            value = struct.unpack({1: "<d", 5: "<f"}[kind], value)[0] if kind in (1, 5) else value
        fields.setdefault(key >> 3, []).append(value)
    return fields


def events(folder):
    (name,) = [name for name in sorted(os.listdir(folder)) if name.startswith("events.out.tfevents.")]
    data = open(os.path.join(folder, name), "rb").read()
    found = []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        body = data[12 : 12 + size]
        assert struct.unpack("<I", data[8:12])[0] == masked(data[:8])
        assert struct.unpack("<I", data[12 + size : 16 + size])[0] == masked(body)
        found.append(message(body))
        data = data[16 + size :]
    return found


def values(folder):
    return [(event.get(2), message(message(event[5][0])[1][0])) for event in events(folder) if 5 in event]


def test_checksum():
    assert crc32c(b"123456789") == 0xE3069283


def test_scalars(tmp_path):
    with SummaryWriter(log_dir=tmp_path) as writer:
        writer.add_scalar("loss", torch.tensor(0.5), global_step=3, walltime=12.0)
        writer.add_scalar("loss", numpy.float32(0.25), 4)
        writer.add_scalar("exact", 1 / 3, double_precision=True)
    first = events(tmp_path)[0]
    assert first[3] == [b"brain.Event:2"]
    assert events(tmp_path)[1][1] == [12.0]
    one, two, three = values(tmp_path)
    assert one == ([3], {1: [b"loss"], 2: [0.5]}) and two == ([4], {1: [b"loss"], 2: [0.25]})
    tensor = message(three[1][8][0])
    assert three[0] is None and struct.unpack("<d", tensor[6][0])[0] == 1 / 3
    with pytest.raises(AssertionError, match="scalar should be 0D"):
        writer.add_scalar("loss", torch.ones(2))


def test_several_scalars_have_a_folder_each(tmp_path):
    writer = SummaryWriter(tmp_path)
    writer.add_scalars("fit/loss", {"train": 1, "test": torch.tensor(2.0)}, 7)
    writer.close()
    assert values(tmp_path / "fit_loss_train") == [([7], {1: [b"fit/loss"], 2: [1.0]})]
    assert values(tmp_path / "fit_loss_test") == [([7], {1: [b"fit/loss"], 2: [2.0]})]


def test_flush_and_reopen(tmp_path):
    writer = SummaryWriter(tmp_path, max_queue=1000)
    writer.add_scalar("a", 1.0)
    writer.flush()
    assert len(values(tmp_path)) == 1
    writer.close()
    writer.add_scalar("a", 2.0)
    writer.close()
    assert [value[2] for _, value in values(tmp_path)] == [[1.0], [2.0]]


def test_histogram(tmp_path):
    x = torch.tensor([-1.5, 0.0, 0.0, 0.25, 1.5])
    with SummaryWriter(tmp_path) as writer:
        writer.add_histogram("h", x, global_step=1)
        with pytest.raises(ValueError, match="no element"):
            writer.add_histogram("h", torch.empty(0))
    histogram = message(values(tmp_path)[0][1][5][0])
    assert [histogram[k][0] for k in range(1, 6)] == [-1.5, 1.5, 5.0, 0.25, 4.5625]
    limits, counts = (struct.unpack(f"<{len(histogram[k][0]) // 8}d", histogram[k][0]) for k in (6, 7))
    assert len(limits) == len(counts) and sum(counts) == 5 and list(limits) == sorted(limits)
    below = [sum(counts[: i + 1]) for i in range(len(counts))]
    for limit, count in zip(limits[:-1], below):
        assert count == int((x < limit).sum())


def test_text(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_text("note", "**ä**", 2)
    ((step, value),) = values(tmp_path)
    assert step == [2] and value[1] == [b"note/text_summary"]
    assert message(message(value[9][0])[1][0])[1] == [b"text"]
    assert message(value[8][0])[8] == ["**ä**".encode()]


def test_pictures(tmp_path):
    image = pytest.importorskip("PIL.Image")
    import io

    bytes_ = torch.arange(60, dtype=torch.uint8).reshape(3, 4, 5)
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("chw", bytes_, 1)
        writer.add_image("hwc", bytes_.permute(1, 2, 0).float() / 255, 1, dataformats="HWC")
        writer.add_image("hw", torch.full((4, 5), 0.5), 1, dataformats="HW")
        writer.add_images("grid", torch.ones(10, 1, 4, 5), 1)
        with pytest.raises(AssertionError, match="size of input tensor and input format are different"):
            writer.add_image("wrong", bytes_[0], 1)
        with pytest.raises(AssertionError, match="dataformats"):
            writer.add_image("wrong", bytes_, 1, dataformats="CHX")
    pictures = []
    for _, value in values(tmp_path):
        fields = message(value[4][0])
        pixels = numpy.asarray(image.open(io.BytesIO(fields[4][0])))
        assert pixels.shape == (fields[1][0], fields[2][0], fields[3][0])
        pictures.append(pixels)
    expected = bytes_.permute(1, 2, 0).numpy()
    assert (pictures[0] == expected).all() and (abs(pictures[1].astype(int) - expected) <= 1).all()
    assert (pictures[2] == 127).all() and pictures[3].shape == (8, 40, 3)
    assert (pictures[3][:4] == 255).all() and (pictures[3][4:, 10:] == 0).all()


def test_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    writer = SummaryWriter(comment="_x")
    assert writer.get_logdir().startswith("runs" + os.sep) and writer.get_logdir().endswith("_x")
    for call in (
        lambda: writer.add_graph(None),
        lambda: writer.add_embedding(torch.ones(2, 2), metadata=[1, 2]),
        lambda: writer.add_hparams({}, {}),
        lambda: SummaryWriter(tmp_path, purge_step=1),
        lambda: writer.add_histogram("h", [1.0], max_bins=3),
    ):
        with pytest.raises(NotImplementedError):
            call()
    writer.close()


def test_read_by_tensorboard(tmp_path):
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("a", step / 2, step)
        writer.add_histogram("h", numpy.arange(10.0), 1)
    found = reader.EventAccumulator(str(tmp_path))
    found.Reload()
    assert [(x.step, x.value) for x in found.Scalars("a")] == [(0, 0.0), (1, 0.5), (2, 1.0)]
    assert found.Histograms("h")[0].histogram_value.num == 10
