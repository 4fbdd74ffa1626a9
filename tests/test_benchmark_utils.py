"""torch.utils.benchmark: measurements, their tables, and what cannot be done."""

import io
from contextlib import redirect_stdout

import pytest
from util import torch

benchmark = torch.utils.benchmark


def measured(times, number=1, **task):
    spec = benchmark.TaskSpec(**{"stmt": "x+y", "setup": "pass", "num_threads": 1, **task})
    return benchmark.Measurement(number, [t * number for t in times], spec)


def lines_below(measurement):
    """Without the first line, which holds an address."""
    return str(measurement).split("\n")[1:]


def test_timeit_counts_executions():
    calls = []
    timer = benchmark.Timer("calls.append(1)", globals={"calls": calls})
    result = timer.timeit(300)
    assert len(calls) == 303  # three of them warm up
    assert result.number_per_run == 300 and len(result.raw_times) == 1
    assert 0 < result.median < 1e-3 and result.median == result.mean and result.iqr == 0


def test_setup_runs_first_and_torch_is_there():
    result = benchmark.Timer("y = x + 1; assert y.shape == (3,)", "x = torch.ones(3)").timeit(2)
    assert result.median > 0


def test_blocked_autorange_runs_long_enough():
    seen = []
    timer = benchmark.Timer("sum(range(50))")
    result = timer.blocked_autorange(callback=lambda number, t: seen.append((number, t)), min_run_time=0.03)
    assert sum(result.raw_times) >= 0.03
    assert [t for _, t in seen] == result.raw_times
    assert {number for number, _ in seen} == {result.number_per_run} and result.number_per_run >= 10


def test_adaptive_autorange_stops_when_times_agree():
    clock = iter(range(10**6))
    result = benchmark.Timer("pass", timer=lambda: next(clock)).adaptive_autorange(
        min_run_time=1, max_run_time=50
    )
    assert result.raw_times == [1.0] * 4


def test_threads_are_set_for_the_measurement_only():
    before, seen = torch.get_num_threads(), []
    benchmark.Timer("seen.append(torch.get_num_threads())", globals={"seen": seen}, num_threads=2).timeit(1)
    assert set(seen) == {2} and torch.get_num_threads() == before


def test_an_error_in_the_statement_reaches_the_caller_and_threads_are_set_back():
    before = torch.get_num_threads()
    with pytest.raises(NameError):
        benchmark.Timer("nope", num_threads=before + 1).timeit(1)
    assert torch.get_num_threads() == before


def test_statistics():
    result = measured([1e-6, 1.1e-6, 1.2e-6, 1.5e-6, 2e-6], number=1000)
    assert result.median == pytest.approx(1.2e-6) and result.mean == pytest.approx(1.36e-6)
    assert result.iqr == pytest.approx(4e-7)
    assert result.has_warnings and not result.meets_confidence() and result.meets_confidence(0.5)
    assert result.significant_figures == 1
    assert measured([1e-3] * 4).significant_figures == 4


def test_representation():
    result = measured(
        [1e-6, 1.1e-6, 1.2e-6, 1.5e-6, 2e-6], number=1000, label="add", sub_label="tiny", setup="a=1"
    )
    assert lines_below(result) == [
        "add: tiny",
        "setup: a=1",
        "  Median: 1.20 us",
        "  IQR:    0.40 us (1.10 to 1.50)",
        "  5 measurements, 1000 runs per measurement, 1 thread",
        "  WARNING: Interquartile range is 33.3% of the median measurement.",
        "           This suggests significant environmental influence.",
    ]
    assert lines_below(measured([2.0], num_threads=2)) == [
        "x+y",
        "  2.00 s",
        "  1 measurement, 1 runs , 2 threads",
    ]


def test_merge_puts_equal_tasks_together():
    merged = benchmark.Measurement.merge([measured([1]), measured([2]), measured([3], label="other")])
    assert [m.raw_times for m in merged] == [[1, 2], [3]]
    (uneven,) = benchmark.Measurement.merge([measured([1.0], number=2), measured([3.0], number=1)])
    assert uneven.times == [1.0, 3.0]


def table(*results, **how):
    compare = benchmark.Compare(results)
    for name, argument in how.items():
        getattr(compare, name)(**argument)
    return str(compare).split("\n")


def test_compare_lays_out_rows_and_columns():
    rows = table(
        measured([1e-6], label="one", sub_label="s", description="dddddddddd"),
        measured([3e-3], label="one", sub_label="tt", description="e"),
    )
    assert rows == [
        "[------------- one --------------]",
        "          |  dddddddddd  |    e   ",
        "1 threads: -----------------------",
        "      s   |     1.0      |        ",
        "      tt  |              |  3000.0",
        "",
        "Times are in microseconds (us).",
        "",
    ]


def test_compare_tells_environments_threads_and_labels_apart():
    text = "\n".join(
        table(
            measured([1.0], sub_label="s", env="A", description="d"),
            measured([2.0], sub_label="s", env="B", description="d", num_threads=2),
            measured([3.0], sub_label="s", description="d", label="other"),
        )
    )
    assert "(A)  s  |  1.0" in text and "2 threads: " in text and "(B)  s  |  2.0" in text
    assert "- other -" in text


def test_compare_colors_marks_and_trims():
    results = [measured([v * 1e-6] * 4, sub_label=str(v), description="d") for v in (1, 1.5, 3, 7)]
    colored = table(*results, colorize={})
    assert [("\033[92m" in row, "\033[91m" in row, "\033[31m" in row) for row in colored[3:7]] == [
        (True, False, False),
        (False, False, False),
        (False, True, False),
        (False, False, True),
    ]
    unsteady = measured([1e-6, 1.3e-6, 2e-6, 5e-6], sub_label="s", description="d")
    assert "1.6 (! 92%)" in "\n".join(table(unsteady, highlight_warnings={}))
    assert "2" in table(unsteady, trim_significant_figures={})[3].split("|")[1]
    assert "." not in table(unsteady, trim_significant_figures={})[3]


def test_compare_prints_and_extends():
    compare = benchmark.Compare([measured([1.0], description="d")])
    compare.extend_results([measured([2.0], description="e")])
    out = io.StringIO()
    with redirect_stdout(out):
        compare.print()
    assert "|   d   |   e " in out.getvalue()


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: benchmark.Timer("1", language="foo"), ValueError),
        (lambda: benchmark.Timer("1", language="c++"), NotImplementedError),
        (lambda: benchmark.Timer("1", global_setup="int x;"), ValueError),
        (lambda: benchmark.Timer("1").autorange(), NotImplementedError),
        (lambda: benchmark.Timer("1").repeat(), NotImplementedError),
        (lambda: benchmark.Timer("1").collect_callgrind(), NotImplementedError),
        (lambda: benchmark.Compare([1]), ValueError),
        (lambda: measured([]).median, ValueError),
    ],
)
def test_what_cannot_be_done_is_an_error(call, error):
    with pytest.raises(error):
        call()


TASKS = [
    dict(times=[1e-6, 1.1e-6, 1.2e-6, 1.5e-6, 2e-6], number=1000),
    dict(times=[1e-3, 1.2e-3, 1.15e-3]),
    dict(times=[1.0, 2.0], stmt="a\nb", sub_label="s"),
    dict(times=[1e-9], stmt="a\nb", sub_label="s", label="l", description="D", setup="x=1\ny=2"),
]


@pytest.mark.parametrize("task", TASKS)
def test_measurements_print_as_pytorchs(task):
    theirs = pytest.importorskip("torch.utils.benchmark")

    def made(module, times, number=1, **fields):
        fields = {"stmt": "x+y", "setup": "pass", "global_setup": "", "num_threads": 1, **fields}
        spec = module.utils.common.TaskSpec if module is theirs else module.TaskSpec
        return module.Measurement(number, [t * number for t in times], spec(**fields))

    a, b = made(benchmark, **task), made(theirs, **task)
    assert lines_below(a) == lines_below(b)
    assert (a.significant_figures, a.has_warnings, a.as_row_name) == (
        b.significant_figures,
        b.has_warnings,
        b.as_row_name,
    )
