"""`SummaryWriter`: figures of a training, in files that TensorBoard shows."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, NoReturn

from . import _records, _summary

__all__ = ["FileWriter", "SummaryWriter"]

_numbers = iter(range(2**62))


class FileWriter:
    """One event file in the folder `log_dir`."""

    def __init__(
        self, log_dir: Any, max_queue: int = 10, flush_secs: float = 120, filename_suffix: str = ""
    ) -> None:
        self.log_dir = os.fspath(log_dir)
        self.max_queue, self.flush_secs = max_queue, flush_secs
        os.makedirs(self.log_dir, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.{next(_numbers)}"
        self.path = os.path.join(self.log_dir, name + filename_suffix)
        self._file = open(self.path, "wb")
        self._waiting, self._flushed = 0, now
        self._write(_records.event(now, version="brain.Event:2"))
        self.flush()

    def _write(self, event: bytes) -> None:
        if self._file.closed:
            self._file = open(self.path, "ab")
        self._file.write(_records.record(event))
        self._waiting += 1
        if self._waiting >= self.max_queue or time.time() - self._flushed > self.flush_secs:
            self.flush()

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def add_value(self, value: bytes, global_step: Any = None, walltime: float | None = None) -> None:
        """Write one message of type Summary.Value."""
        step = None if global_step is None else int(global_step)
        self._write(_records.event(time.time() if walltime is None else walltime, step, value=value))

    def flush(self) -> None:
        """Let everything reach the file."""
        if not self._file.closed:
            self._file.flush()
        self._waiting, self._flushed = 0, time.time()

    def close(self) -> None:
        """Close the file; writing once more opens it again."""
        self._file.close()


def _usual_folder(comment: str) -> str:
    return os.path.join("runs", time.strftime("%b%d_%H-%M-%S_") + socket.gethostname() + comment)


class SummaryWriter:
    """Writes scalars, pictures, histograms and texts of a run into the folder `log_dir` ("runs/..." if None).
    Files are flushed after `max_queue` entries, and with the first one after `flush_secs`.
    """

    def __init__(
        self,
        log_dir: Any = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        if purge_step is not None:
            raise NotImplementedError(
                "SummaryWriter: entries of an earlier run cannot be hidden with purge_step"
            )
        self.log_dir = os.fspath(log_dir) if log_dir else _usual_folder(comment)
        self.max_queue, self.flush_secs, self.filename_suffix = max_queue, flush_secs, filename_suffix
        self.all_writers: dict[str, FileWriter] = {}
        self.file_writer = self._get_file_writer()

    def _get_file_writer(self, folder: str | None = None) -> FileWriter:
        folder = folder or self.log_dir
        if folder not in self.all_writers:
            self.all_writers[folder] = FileWriter(
                folder, self.max_queue, self.flush_secs, self.filename_suffix
            )
        return self.all_writers[folder]

    def get_logdir(self) -> str:
        """The folder."""
        return self.log_dir

    def add_scalar(
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,
        double_precision: bool = False,
    ) -> None:
        """One number."""
        value = _summary.scalar(tag, scalar_value, new_style, double_precision)
        self._get_file_writer().add_value(value, global_step, walltime)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Several numbers for one diagram: each name has a folder of its own."""
        walltime = time.time() if walltime is None else walltime
        for tag, number in tag_scalar_dict.items():
            folder = os.path.join(self.log_dir, main_tag.replace("/", "_") + "_" + tag)
            self._get_file_writer(folder).add_value(_summary.scalar(main_tag, number), global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """How often values occur. `bins` is "tensorflow", or what numpy.histogram takes."""
        value = _summary.histogram(tag, values, bins, max_bins)
        self._get_file_writer().add_value(value, global_step, walltime)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """A picture, of bytes or of numbers from 0 to 1. Needs Pillow."""
        value = _summary.image(tag, img_tensor, dataformats)
        self._get_file_writer().add_value(value, global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Several pictures, eight in a row. Needs Pillow."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_figure(
        self,
        tag: str,
        figure: Any,
        global_step: Any = None,
        close: bool = True,
        walltime: float | None = None,
    ) -> None:
        """A figure of matplotlib, or several of the same size; closed afterwards unless `close=False`."""
        import numpy
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figures = figure if isinstance(figure, list) else [figure]
        pictures = []
        for one in figures:
            canvas = FigureCanvasAgg(one)
            canvas.draw()
            pictures.append(numpy.asarray(canvas.buffer_rgba())[..., :3])
        self.add_image(tag, numpy.stack(pictures), global_step, walltime, "NHWC")
        if close:
            from matplotlib import pyplot

            for one in figures:
                pyplot.close(one)

    def add_text(
        self, tag: str, text_string: str, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """A text, which may be Markdown."""
        self._get_file_writer().add_value(_summary.text(tag, text_string), global_step, walltime)

    def add_graph(self, model: Any, *options: Any, **more: Any) -> NoReturn:
        """Not here: graphs of programs are not made."""
        raise NotImplementedError("SummaryWriter.add_graph: graphs of programs are not made")

    def add_embedding(self, mat: Any, *options: Any, **more: Any) -> NoReturn:
        """Not here."""
        raise NotImplementedError("SummaryWriter.add_embedding: files for the projector are not written")

    def add_hparams(self, hparam_dict: Any, metric_dict: Any, *options: Any, **more: Any) -> NoReturn:
        """Not here."""
        raise NotImplementedError("SummaryWriter.add_hparams: sessions of hyperparameters are not written")

    def flush(self) -> None:
        """Let everything reach the files."""
        for writer in self.all_writers.values():
            writer.flush()

    def close(self) -> None:
        """Close the files; writing once more opens them again."""
        for writer in self.all_writers.values():
            writer.close()

    def __enter__(self) -> SummaryWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
