"""The profiler: what it records, how it sums up, what it writes, and that it is out of the way otherwise."""

import gzip
import json
import os
import threading
import time
import warnings

import pytest
import tinytensor as torch
from tinytensor import _C, nn
from tinytensor.profiler import (
    ProfilerAction,
    ProfilerActivity,
    profile,
    record_function,
    schedule,
    supported_activities,
    tensorboard_trace_handler,
)

autograd_profiler = torch.autograd.profiler


def names(events):
    return [event.name for event in events]


def profiled(body, **options):
    with profile(**options) as prof:
        body()
    return prof.events()


def only(events, name):
    (found,) = [event for event in events if event.name == name]
    return found


# ---------------------------------------------------------------- what is recorded


def test_operators_functions_methods_and_indexing():
    x, mask = torch.ones(3, 4), torch.ones(3, 4) > 0

    def body():
        x + 1
        torch.add(x, x)
        x.add_(1)
        x @ x.T
        -x
        x == x
        x[0]
        x[:, 1:2]
        x[mask]
        x[None]
        x[0] = 1
        x[0] = x[1]
        x[mask] = 2
        float(x[0, 0])
        bool(x.sum() > 0)
        x.long()
        torch.nn.functional.cross_entropy(x, torch.zeros(3, dtype=torch.int64))

    assert names(profiled(body)) == [
        "aten::add",
        "aten::add",
        "aten::add_",
        "aten::matmul",
        "aten::neg",
        "aten::eq",
        "aten::select",
        "aten::slice",
        "aten::index",
        "aten::unsqueeze",
        "aten::fill_",
        "aten::select",
        "aten::copy_",
        "aten::index_put_",
        "aten::select",
        "aten::item",
        "aten::sum",
        "aten::gt",
        "aten::is_nonzero",
        "aten::to",
        "aten::zeros",
        "aten::cross_entropy_loss",
    ]


def test_questions_about_a_tensor_are_no_events():
    x = torch.ones(3)

    def body():
        x.dim(), x.size(), x.numel(), x.stride(), x.is_contiguous(), len(x), x.shape, x.data_ptr()

    assert names(profiled(body)) == []


def test_what_has_no_name_in_pytorch_says_so():
    assert names(profiled(lambda: nn.functional.softsign(torch.ones(2)))) == [
        "aten::ones",
        "tinytensor::softsign",
    ]


def test_backward_has_two_events_per_node_and_the_forward_is_found():
    x = torch.ones(2, 3, requires_grad=True)

    def body():
        (x * 2).sum().backward()

    events = profiled(body, record_shapes=True)
    visit = "autograd::engine::evaluate_function: "
    assert names(events)[-6:] == [
        visit + "SumBackward0",
        "SumBackward0",
        visit + "MulBackward0",
        "MulBackward0",
        visit + "torch::autograd::AccumulateGrad",
        "torch::autograd::AccumulateGrad",
    ]
    node, forward = only(events, "MulBackward0"), only(events, "aten::mul")
    assert node.cpu_parent is only(events, visit + "MulBackward0") and node.scope == 1
    assert node.sequence_nr == forward.sequence_nr > 0
    assert node.fwd_thread == forward.thread == node.thread
    assert node.input_shapes == [[2, 3]] and forward.input_shapes == [[2, 3], []]


def test_operations_inside_a_custom_function_stand_in_its_node():
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return torch.exp(g)

    x = torch.ones(2, requires_grad=True)
    events = profiled(lambda: Double.apply(x).sum().backward())
    assert only(events, "aten::exp").cpu_parent.name == "DoubleBackward"


def test_ranges_nest_and_decorate():
    @record_function("decorated")
    def function(depth):
        return function(depth - 1) if depth else torch.ones(1)

    def body():
        with record_function("outer"):
            with record_function("inner", "a remark"):
                torch.ones(2)
        assert function(1).item() == 1

    events = profiled(body)
    assert names(events) == [
        *("outer", "inner", "aten::ones"),
        *("decorated", "decorated", "aten::ones", "aten::item"),
    ]
    outer, inner, ones = events[:3]
    assert ones.cpu_parent is inner and inner.cpu_parent is outer and outer.cpu_parent is None
    assert outer.cpu_children == [inner] and outer.is_user_annotation and outer.scope == 7
    assert events[4].cpu_parent is events[3] and events[6].cpu_parent is None


def test_a_range_ends_where_an_exception_leaves_it():
    def body():
        with pytest.raises(ZeroDivisionError), record_function("outer"):
            with record_function("inner"):
                1 / 0
        with pytest.raises(RuntimeError):
            torch.ones(2) @ torch.ones(3)
        torch.ones(1)

    assert [event.cpu_parent and event.cpu_parent.name for event in profiled(body)] == [
        *(None, "outer"),
        *(None,) * 4,
    ]


def test_ranges_that_begin_before_or_end_after_the_profiler():
    before = record_function("before")
    before.__enter__()
    prof = profile()
    prof.start()
    before.__exit__(None, None, None)
    after = record_function("after")
    after.__enter__()
    torch.ones(1)
    prof.stop()
    after.__exit__(None, None, None)
    assert names(prof.events()) == ["after", "aten::ones"]
    assert prof.events()[0].cpu_time_total >= prof.events()[1].cpu_time_total > 0


def test_ranges_may_overlap():
    first, second = record_function("first"), record_function("second")

    def body():
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        torch.ones(1)
        second.__exit__(None, None, None)
        torch.zeros(1)

    events = profiled(body)
    assert names(events) == ["first", "second", "aten::ones", "aten::zeros"]
    assert only(events, "aten::zeros").cpu_parent is None


def test_steps_of_optimizers_are_ranges():
    layer = nn.Linear(2, 2)
    layer(torch.ones(1, 2)).sum().backward()
    optimizers = [torch.optim.SGD(layer.parameters(), lr=0.1), torch.optim.RMSprop(layer.parameters())]
    events = profiled(lambda: [optimizer.step() for optimizer in optimizers])
    assert (
        names(events)
        == [
            "Optimizer.step#SGD.step",
            "aten::_fused_sgd_",
            "Optimizer.step#RMSprop.step",
            "tinytensor::_rmsprop_step",
        ]
        + names(events)[4:]
    )
    assert events[1].cpu_parent is events[0] and events[3].cpu_parent is events[2]
    from tinytensor.optim import optimizer as base

    assert not base._global_pre_hooks and not base._global_post_hooks


def test_threads_have_events_of_their_own():
    def work(number):
        for step in range(50):
            with record_function(f"thread {number}, step {step}"):
                torch.ones(3) + 1

    def body():
        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    events = profiled(body)
    ranges = [event for event in events if event.is_user_annotation]
    assert sorted(names(ranges)) == sorted(f"thread {n}, step {step}" for n in range(8) for step in range(50))
    assert all(names(event.cpu_children) == ["aten::ones", "aten::add"] for event in ranges)
    by_thread = [
        {event.thread for event in ranges if event.name.startswith(f"thread {n},")} for n in range(8)
    ]
    assert all(len(threads) == 1 for threads in by_thread)


def test_threads_that_go_on_after_the_profiler_stopped():
    going, stop = threading.Event(), threading.Event()

    def work():
        x = torch.ones(20000, requires_grad=True)
        while not stop.is_set():
            (x * x).sum().backward()
            going.set()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert going.wait(10)
        for _ in range(20):
            with profile(profile_memory=True, record_shapes=True) as prof:
                torch.ones(3)
            assert "aten::ones" in names(prof.events())
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# ---------------------------------------------------------------- times, shapes, bytes


def test_times_are_those_of_the_clock():
    def body():
        with record_function("outer"):
            time.sleep(0.02)
            with record_function("inner"):
                time.sleep(0.03)

    began = time.perf_counter()
    outer, inner = profiled(body)
    limit = (time.perf_counter() - began) * 1e6
    assert 50_000 <= outer.cpu_time_total <= limit and 30_000 <= inner.cpu_time_total <= limit
    assert outer.self_cpu_time_total == pytest.approx(outer.cpu_time_total - inner.cpu_time_total)
    assert outer.time_range.start <= inner.time_range.start <= inner.time_range.end <= outer.time_range.end
    assert outer.cpu_time == outer.cpu_time_total and outer.cpu_time_str.endswith("ms")


def test_shapes_are_recorded_on_demand():
    x, y = torch.ones(2, 3), torch.ones(3)

    def body():
        x + y
        torch.nn.functional.linear(x, torch.ones(4, 3), bias=torch.ones(4))
        torch.cat([x, x])

    assert [event.input_shapes for event in profiled(body)] == [[]] * 5
    events = profiled(body, record_shapes=True)
    assert only(events, "aten::add").input_shapes == [[2, 3], [3]]
    assert only(events, "aten::linear").input_shapes == [[2, 3], [4, 3], [4]]
    assert only(events, "aten::cat").input_shapes[0] == []


def test_flops():
    a = torch.ones(30, 20)
    functional = torch.nn.functional
    cases = {
        "aten::mm": (lambda: torch.mm(a, a.T), 2 * 30 * 30 * 20),
        "aten::matmul": (lambda: a @ a.T, 2 * 30 * 30 * 20),
        "aten::linear": (lambda: functional.linear(a, torch.ones(7, 20)), 2 * 30 * 7 * 20),
        "aten::addmm": (lambda: torch.addmm(a[0, :1], a, a.T), 2 * 30 * 30 * 20),
        "aten::bmm": (lambda: torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5)), 2 * 2 * 3 * 5 * 4),
        "aten::conv2d": (
            lambda: functional.conv2d(torch.ones(2, 3, 8, 8), torch.ones(4, 3, 3, 3), padding=1, stride=2),
            2 * 2 * 4 * 4 * 4 * 27,
        ),
        "aten::conv_transpose2d": (
            lambda: functional.conv_transpose2d(torch.ones(2, 3, 8, 8), torch.ones(3, 4, 3, 3)),
            2 * 2 * 3 * 64 * 36,
        ),
        "aten::mul": (lambda: a * 2, 600),
        "aten::add": (lambda: a + torch.ones(1), 600),
    }
    for name, (call, flops) in cases.items():
        events = profiled(call, with_flops=True)
        assert only(events, name).flops == flops, name
        assert only(events, name).input_shapes == []
    assert "MFLOPs" in profile_table(lambda: [a * 2 for _ in range(2000)], with_flops=True)


def profile_table(body, sort_by=None, **options):
    with profile(**options) as prof:
        body()
    return prof.key_averages().table(sort_by=sort_by)


def test_memory_is_counted_where_it_comes_and_goes():
    kept = []

    def body():
        with record_function("range"):
            kept.append(torch.ones(1000))
            kept.append(torch.empty(500, dtype=torch.float64))
            del kept[0]
        kept.clear()

    events = profiled(body, profile_memory=True)
    assert only(events, "aten::ones").self_cpu_memory_usage == 4000
    assert only(events, "aten::empty").cpu_memory_usage == 4000
    outer = only(events, "range")
    assert outer.self_cpu_memory_usage == -4000 and outer.cpu_memory_usage == 4000
    assert only(events, "[memory]").self_cpu_memory_usage == -4000
    assert all(event.cpu_memory_usage == 0 for event in profiled(body))


def test_memory_of_growing_storages_and_views():
    x = torch.zeros(10)

    def body():
        x.view(5, 2)
        x.resize_(1000)

    events = profiled(body, profile_memory=True)
    assert only(events, "aten::view").cpu_memory_usage == 0
    assert only(events, "aten::resize_").cpu_memory_usage >= 3960


def test_stacks_name_the_line_of_the_call():
    def where():
        return torch.ones(3, requires_grad=True)

    x = where()
    line = where.__code__.co_firstlineno

    def body():
        (where() * x).sum().backward()

    events = profiled(body, with_stack=True)
    ones = only(events, "aten::ones")
    assert ones.stack[0] == f"{__file__}({line + 1}): where" and ones.stack[1].endswith("): body")
    assert only(events, "MulBackward0").stack == only(events, "aten::mul").stack != []
    assert profiled(body)[0].stack == []


def test_modules_stand_in_the_trace_and_name_their_operations(tmp_path):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

        def forward(self, x):
            return self.inner(x) * 2

    net = Net()
    with profile(with_modules=True) as prof:
        net(torch.ones(1, 2)).sum().backward()
    events = prof.events()
    assert only(events, "aten::linear").module_hierarchy == "Net.Sequential.Linear"
    assert only(events, "aten::mul").module_hierarchy == "Net"
    assert only(events, "AddmmBackward0").module_hierarchy == "Net.Sequential.Linear"
    assert only(events, "aten::linear").cpu_parent is None and "nn.Module: Net" not in names(events)
    prof.export_chrome_trace(str(tmp_path / "t.json"))
    trace = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert {event["name"] for event in trace if event.get("cat") == "python_function"} == {
        *("nn.Module: Net", "nn.Module: Sequential", "nn.Module: Linear", "nn.Module: ReLU")
    }


# ---------------------------------------------------------------- averages and tables


def loop():
    for n in (2, 3, 3):
        with record_function("range"):
            torch.ones(n) * 2


def test_key_averages_sum_up():
    with profile(record_shapes=True, profile_memory=True) as prof:
        loop()
    averages = {entry.key: entry for entry in prof.key_averages()}
    muls = [event for event in prof.events() if event.key == "aten::mul"]
    mul = averages["aten::mul"]
    assert mul.count == 3 and mul.cpu_time_total == pytest.approx(sum(e.cpu_time_total for e in muls))
    assert mul.cpu_time == pytest.approx(mul.cpu_time_total / 3)
    assert averages["range"].self_cpu_time_total < averages["range"].cpu_time_total
    assert averages["aten::ones"].cpu_memory_usage == 8 + 12 + 12
    assert mul.input_shapes == ""
    by_shape = prof.key_averages(group_by_input_shape=True)
    assert [(e.count, e.input_shapes) for e in by_shape if e.key == "aten::mul"] == [
        (1, [[2], []]),
        (2, [[3], []]),
    ]
    total = prof.key_averages().total_average()
    assert total.key == "Total" and total.count == 9
    assert total.self_cpu_time_total == pytest.approx(prof.events().self_cpu_time_total)


def test_averages_by_stack():
    with profile(with_stack=True) as prof:
        torch.ones(1)
        for _ in range(2):
            torch.ones(1)
    groups = prof.key_averages(group_by_stack_n=1)
    assert [entry.count for entry in groups] == [1, 2]
    assert "Source Location" in groups.table() and "test_averages_by_stack" in groups.table()


def test_table():
    with profile(record_shapes=True, profile_memory=True) as prof:
        loop()
    lines = prof.key_averages().table(sort_by="self_cpu_time_total").split("\n")
    assert lines[1].split("  ") and [title for title in lines[1].split("  ") if title.strip()]
    titles = [title.strip() for title in lines[1].split("  ") if title.strip()]
    assert titles == [
        *("Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg"),
        *("CPU Mem", "Self CPU Mem", "# of Calls"),
    ]
    assert lines[0] == lines[2] == lines[-3] and set(lines[0]) == {"-", " "}
    assert lines[-2].startswith("Self CPU time total: ") and lines[-1] == ""
    assert len({len(line) for line in lines[:-2]}) == 1
    selves = [entry.self_cpu_time_total for entry in prof.key_averages()]
    shown = {entry.key: entry.self_cpu_time_total for entry in prof.key_averages()}
    order = [line.split()[0] for line in lines[3:-3]]
    assert [shown[name] for name in order] == sorted(selves, reverse=True)


def test_options_of_the_table():
    with profile(record_shapes=True) as prof:
        loop()
    averages = prof.key_averages(group_by_input_shape=True)
    assert "Input Shapes" in averages.table() and "[[3], []]" in averages.table()
    assert "[[3]" in averages.table(max_shapes_column_width=4) and "[[3]," not in averages.table(
        max_shapes_column_width=4
    )
    assert (
        averages.table(row_limit=1).count("\n")
        == averages.table(row_limit=-1).count("\n") - len(averages) + 1
    )
    assert averages.table(header="A header").split("\n")[1] == "A header"
    assert "aten..." in averages.table(max_name_column_width=7)
    assert "aten::ones" not in averages.table(top_level_events_only=True)
    assert "ms" in averages.table(time_unit="ms") and "us" not in averages.table(time_unit="ms")
    with pytest.raises(ValueError, match="time_unit"):
        averages.table(time_unit="h")
    with pytest.raises(AttributeError):
        averages.table(sort_by="no_such_column")
    assert str(averages) == averages.table()


def test_an_empty_recording():
    with profile() as prof:
        pass
    assert prof.events() == [] and prof.key_averages() == [] and prof.key_averages().table() == ""


# ---------------------------------------------------------------- files


def test_chrome_trace(tmp_path):
    x = torch.ones(2, 3, requires_grad=True)
    with profile(record_shapes=True, profile_memory=True, with_flops=True, with_stack=True) as prof:
        with record_function("range", "a remark"):
            (x * 2).sum().backward()
        del x
    prof.add_metadata("run", "seven")
    prof.add_metadata_json("numbers", "[1, 2]")
    path = str(tmp_path / "trace.json")
    prof.export_chrome_trace(path)
    trace = json.loads(open(path).read())
    assert trace["schemaVersion"] == 1 and trace["run"] == "seven" and trace["numbers"] == [1, 2]
    assert trace["record_shapes"] == 1 and trace["trace_id"] == prof.get_trace_id()
    events = trace["traceEvents"]
    durations = [event for event in events if event["ph"] == "X"]
    assert [event["name"] for event in durations] == [
        e.trace_name for e in prof.events() if e.key != "[memory]"
    ]
    for event in durations:
        assert (
            event["dur"] >= 0
            and event["pid"] == os.getpid()
            and event["cat"] in ("cpu_op", "user_annotation")
        )
    mul = next(event for event in durations if event["name"] == "aten::mul")
    assert mul["args"]["Input Dims"] == [[2, 3], []] and mul["args"]["Input type"] == ["float", ""]
    assert mul["args"]["flops"] == 6 and "test_chrome_trace" in mul["args"]["Call stack"]
    assert durations[0]["args"]["Arguments"] == "a remark"
    starts = {event["id"]: event for event in events if event["ph"] == "s"}
    ends = {event["id"]: event for event in events if event["ph"] == "f"}
    assert starts.keys() == ends.keys() and len(starts) == 2
    assert starts[mul["args"]["Sequence number"]]["ts"] == mul["ts"]
    memory = [event for event in events if event["ph"] == "i"]
    assert memory and memory[-1]["args"]["Total Allocated"] == sum(event["args"]["Bytes"] for event in memory)


def test_compressed_trace(tmp_path):
    with profile() as prof:
        torch.ones(2)
    prof.export_chrome_trace(str(tmp_path / "trace.json.gz"))
    with gzip.open(tmp_path / "trace.json.gz", "rt") as file:
        assert any(event["name"] == "aten::ones" for event in json.load(file)["traceEvents"])
    prof.events().export_chrome_trace(str(tmp_path / "again.json"))
    assert json.loads((tmp_path / "again.json").read_text())["traceEvents"]
    with pytest.raises(RuntimeError, match="averages"):
        prof.key_averages().export_chrome_trace(str(tmp_path / "averages.json"))


def test_stacks_for_flame_graphs(tmp_path):
    def slow():
        return [torch.ones(100000).sum() for _ in range(5)]

    with profile(with_stack=True) as prof:
        slow()
    path = str(tmp_path / "stacks")
    prof.export_stacks(path, "self_cpu_time_total")
    lines = open(path).read().splitlines()
    assert lines
    for line in lines:
        frames, _, amount = line.rpartition(" ")
        assert (
            int(amount) > 0
            and " " not in frames
            and frames.split(";")[-1].endswith("slow")
            or "listcomp" in line
        )
    with pytest.raises(ValueError, match="metric"):
        prof.export_stacks(path, "self_cuda_time_total")


def test_tensorboard_files(tmp_path):
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path / "logs"), "worker")):
        torch.ones(2)
    with profile(on_trace_ready=tensorboard_trace_handler(str(tmp_path / "logs"), use_gzip=True)):
        torch.ones(2)
    plain, packed = sorted(os.listdir(tmp_path / "logs"), key=lambda name: name.endswith(".gz"))
    assert plain.startswith("worker.") and plain.endswith(".pt.trace.json")
    assert packed.endswith(".pt.trace.json.gz") and f"_{os.getpid()}." in packed
    assert json.loads((tmp_path / "logs" / plain).read_text())["traceEvents"]


# ---------------------------------------------------------------- schedules


def test_schedules():
    def actions(**arguments):
        plan = schedule(**arguments)
        return "".join(
            {"NONE": ".", "WARMUP": "w", "RECORD": "r", "RECORD_AND_SAVE": "S"}[plan(i).name]
            for i in range(14)
        )

    assert actions(wait=1, warmup=1, active=2) == ".wrS.wrS.wrS.w"
    assert actions(wait=0, warmup=0, active=1) == "S" * 14
    assert actions(wait=1, warmup=0, active=1, repeat=2, skip_first=2) == "...S.S........"
    first = actions(wait=2, warmup=1, active=1, repeat=2, skip_first=1, skip_first_wait=1)
    assert first == ".wS..wS......."
    with pytest.raises(AssertionError, match="active"):
        schedule(wait=1, warmup=0, active=0)
    with pytest.raises(AssertionError, match="wait"):
        schedule(wait=-1, warmup=0, active=1)
    with pytest.raises(AssertionError, match="non-negative"):
        schedule(wait=1, warmup=0, active=1)(-1)


def test_a_loop_with_a_schedule():
    seen = []

    def ready(prof):
        seen.append(
            (prof.step_num, [event.trace_name for event in prof.events()], names(prof.key_averages_list))
        )

    def collect(prof):
        prof.key_averages_list = [event for event in prof.events() if event.name.startswith("Profiler")]
        ready(prof)

    with profile(schedule=schedule(wait=1, warmup=1, active=2), on_trace_ready=collect) as prof:
        for _ in range(9):
            torch.ones(2)
            prof.step()
    steps = [
        ["ProfilerStep#2", "aten::ones", "ProfilerStep#3", "aten::ones"],
        ["ProfilerStep#6", "aten::ones", "ProfilerStep#7", "aten::ones"],
    ]
    assert [(number, trace) for number, trace, _ in seen] == [(4, steps[0]), (8, steps[1])]
    assert seen[0][2] == ["ProfilerStep*", "ProfilerStep*"]
    assert not _C._profiling()


def test_a_loop_that_ends_while_recording():
    seen = []
    plan = schedule(wait=0, warmup=0, active=5)
    with profile(schedule=plan, on_trace_ready=lambda prof: seen.append(len(prof.events()))) as prof:
        torch.ones(2)
        prof.step()
        torch.ones(2)
    assert seen == [4]


def test_a_schedule_of_ones_own():
    plan = [ProfilerAction.RECORD, ProfilerAction.NONE, ProfilerAction.RECORD_AND_SAVE, ProfilerAction.NONE]
    seen = []
    with profile(schedule=plan.__getitem__, on_trace_ready=lambda prof: seen.append(prof.step_num)) as prof:
        with pytest.warns(UserWarning, match="from RECORD to NONE"):
            prof.step()
        prof.step()
        prof.step()
    assert seen == [3]


def test_without_a_schedule_step_only_counts():
    prof = profile()
    prof.start()
    torch.ones(1)
    prof.step()
    torch.ones(1)
    prof.stop()
    assert prof.step_num == 1 and names(prof.events()) == ["aten::ones", "aten::ones"]


def test_events_of_all_cycles():
    with profile(schedule=schedule(wait=1, warmup=0, active=1), acc_events=True) as prof:
        for _ in range(4):
            torch.ones(1)
            prof.step()
    assert [event.trace_name for event in prof.events()][::2] == ["ProfilerStep#1", "ProfilerStep#3"]
    starts = [event.time_range.start for event in prof.events()]
    assert starts == sorted(starts)


def test_collection_can_pause():
    with profile() as prof:
        torch.ones(1)
        prof.toggle_collection_dynamic(False, [ProfilerActivity.CPU])
        torch.zeros(1)
        prof.toggle_collection_dynamic(True, [ProfilerActivity.CPU])
        torch.rand(1)
    assert names(prof.events()) == ["aten::ones", "aten::rand"]


# ---------------------------------------------------------------- torch.autograd.profiler


def test_the_profiler_of_one_block():
    with autograd_profiler.profile(record_shapes=True) as prof:
        with autograd_profiler.record_function("range"):
            torch.ones(3) + 1
    assert names(prof.function_events) == ["range", "aten::ones", "aten::add"]
    assert prof.key_averages(group_by_input_shape=True)[2].input_shapes == [[3], []]
    assert "aten::add" in str(prof) and "aten::add" in prof.table(sort_by="cpu_time_total")
    assert prof.total_average().count == 3 and prof.self_cpu_time_total > 0
    with pytest.raises(RuntimeError, match="not reentrant"), prof:
        pass


def test_a_profiler_that_is_switched_off():
    with autograd_profiler.profile(enabled=False) as prof:
        assert prof is None
        torch.ones(1)
    assert not _C._profiling()
    unfinished = autograd_profiler.profile()
    assert str(unfinished) == "<unfinished torch.autograd.profile>"
    with pytest.raises(RuntimeError, match="finish"):
        unfinished.table()


# ---------------------------------------------------------------- what cannot be done


def test_one_profiler_at_a_time():
    with profile() as prof:
        with pytest.raises(RuntimeError, match="one at a time"), profile():
            pass
        torch.ones(1)
    assert names(prof.events()) == ["aten::ones"]
    assert names(profiled(lambda: torch.ones(1))) == ["aten::ones"]


def test_the_limit_is_told(monkeypatch):
    monkeypatch.setattr("tinytensor.profiler._recording.LIMIT", 3)
    with pytest.warns(UserWarning, match="and 2 that came later"):
        events = profiled(lambda: [torch.ones(1) for _ in range(5)])
    assert len(events) == 3


def test_devices():
    assert supported_activities() == {ProfilerActivity.CPU}
    with pytest.raises(TypeError, match="ProfilerActivity"):
        profile(activities=["cpu"])
    with pytest.raises(NotImplementedError, match="XPU"):
        profile(activities=[ProfilerActivity.CPU, ProfilerActivity.XPU])
    if torch.cuda.is_available():
        with pytest.raises(NotImplementedError, match="CUDA"):
            profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
        return
    with pytest.warns(UserWarning, match="CUDA is not available"):
        prof = profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
    assert prof.activities == {ProfilerActivity.CPU}
    with pytest.warns(UserWarning, match="CUDA is not available"):
        nothing = profile(activities=[ProfilerActivity.CUDA])
    with pytest.raises(AssertionError, match="No activities"):
        nothing.start()


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda: profile(experimental_config=object()), NotImplementedError),
        (lambda: profile(execution_trace_observer=object()), NotImplementedError),
        (lambda: profile().events(), AssertionError),
        (lambda: profile().key_averages(), AssertionError),
        (lambda: profile().export_chrome_trace("x"), AssertionError),
        (lambda: profile().stop(), AssertionError),
        (lambda: autograd_profiler.profile(use_device="xpu"), NotImplementedError),
        (lambda: autograd_profiler.profile(use_cpu=False), AssertionError),
        (lambda: autograd_profiler.emit_nvtx(), NotImplementedError),
        (lambda: autograd_profiler.load_nvprof("x"), NotImplementedError),
        (lambda: torch.profiler.itt, AttributeError),
        (lambda: _C._profile_stop(), RuntimeError),
        (lambda: _C._profile_pause(True), RuntimeError),
    ],
)
def test_what_cannot_be_done_is_an_error(call, error):
    with pytest.raises(error):
        call()
    assert not _C._profiling()


def test_stacks_need_with_stack(tmp_path):
    with profile() as prof:
        torch.ones(1)
    with pytest.raises(AssertionError, match="with_stack"):
        prof.export_stacks(str(tmp_path / "stacks"))


def test_start_and_stop_again():
    ready = []
    prof = profile(on_trace_ready=lambda prof: ready.append(names(prof.events())))
    for call in (torch.ones, torch.zeros):
        prof.start()
        call(1)
        prof.stop()
        prof.stop()  # nothing is left to stop
    assert ready == [["aten::ones"], ["aten::zeros"]]


def test_an_exception_inside_the_block_stops_the_profiler():
    prof = profile()
    with pytest.raises(ZeroDivisionError), prof:
        torch.ones(1)
        1 / 0
    assert not _C._profiling() and names(prof.events()) == ["aten::ones"]


def test_a_child_process_does_not_record():
    with profile() as prof:
        child = os.fork()
        if not child:
            recording = _C._profiling()
            os._exit(int(recording or names(profiled(lambda: torch.ones(2))) != ["aten::ones"]))
        assert os.waitpid(child, 0)[1] == 0
        torch.ones(1)
    assert names(prof.events()) == ["aten::ones"]


# ---------------------------------------------------------------- beside PyTorch


def test_the_same_program_under_pytorch():
    """The operations that a program names and the nodes of backward have the same names, counts and shapes."""
    theirs = pytest.importorskip("torch")

    def program(torch, profiler):
        net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        x, y = torch.ones(5, 4), torch.zeros(5, dtype=torch.int64)
        with profiler.profile(record_shapes=True) as prof:
            for _ in range(2):
                with profiler.record_function("forward"):
                    loss = torch.nn.functional.cross_entropy(net(x), y)
                loss.backward()
                optimizer.step()
                (x * 2 + x).sum().item()
        return prof.key_averages()

    wanted = {
        *("aten::linear", "aten::relu", "aten::cross_entropy_loss", "aten::add", "aten::mul"),
        *("ReluBackward0", "forward", "Optimizer.step#SGD.step", "torch::autograd::AccumulateGrad"),
        *("autograd::engine::evaluate_function: AddmmBackward0", "aten::item"),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = {e.key: e.count for e in program(theirs, theirs.profiler) if e.key in wanted}
    here = {e.key: e.count for e in program(torch, torch.profiler) if e.key in wanted}
    assert here == there


def test_batches_of_loaders_are_ranges():
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(6, 2)), batch_size=3)
    events = profiled(lambda: list(loader))
    batches = [e for e in events if e.name == "enumerate(DataLoader)#_SingleProcessDataLoaderIter.__next__"]
    assert len(batches) == 3  # the last one finds that there are no more


def test_zero_grad_is_a_range():
    optimizer = torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
    events = profiled(optimizer.zero_grad)
    assert names(events) == ["Optimizer.zero_grad#SGD.zero_grad", "tinytensor::_drop_gradients"]
