"""What programs ask of their surroundings: backends, other devices, compilers, one-process groups."""

import warnings

import pytest
import tinytensor as torch
from tinytensor import accelerator, backends, compiler, distributed, jit, mps, nn, version, xpu
from tinytensor.nn.parallel import DistributedDataParallel


@pytest.fixture(autouse=True)
def _fresh_warnings(monkeypatch):
    monkeypatch.setattr(compiler, "_warned", False)
    monkeypatch.setattr(jit, "_warned", False)


def test_backend_switches():
    import tinytensor.backends.cudnn as cudnn

    assert cudnn is torch.backends.cudnn
    assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (
        True,
        False,
        False,
        True,
    )
    assert cudnn.version() is None and not cudnn.is_available()
    with cudnn.flags(enabled=False, benchmark=True):
        assert (cudnn.enabled, cudnn.benchmark, cudnn.benchmark_limit) == (False, True, 10)
    assert (cudnn.enabled, cudnn.benchmark, cudnn.benchmark_limit) == (True, False, None)
    assert not backends.mps.is_available() and not backends.mps.is_built()
    assert not backends.mkl.is_available() and not backends.openmp.is_available()
    assert not backends.mps.is_macos_or_newer(13, 0)
    assert backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")


def test_tf32_and_precision_are_one_switch():
    matmul = backends.cuda.matmul
    assert matmul.allow_tf32 is False
    try:
        matmul.allow_tf32 = True
        assert torch.get_float32_matmul_precision() == "high"
        torch.set_float32_matmul_precision("highest")
        assert matmul.allow_tf32 is False
        torch.set_float32_matmul_precision("medium")
        assert matmul.allow_tf32 is True
    finally:
        torch.set_float32_matmul_precision("highest")
    with pytest.raises(AttributeError, match="Unknown attribute nothing"):
        matmul.nothing = 1


def test_sdp_switches():
    with backends.cuda.sdp_kernel(enable_flash=False, enable_math=False):
        assert not backends.cuda.flash_sdp_enabled() and not backends.cuda.math_sdp_enabled()
        assert backends.cuda.mem_efficient_sdp_enabled() and backends.cuda.cudnn_sdp_enabled()
    assert backends.cuda.flash_sdp_enabled() and backends.cuda.math_sdp_enabled()
    backends.cuda.enable_flash_sdp(False)
    assert not backends.cuda.flash_sdp_enabled()
    backends.cuda.enable_flash_sdp(True)


def test_absent_devices():
    assert not xpu.is_available() and xpu.device_count() == 0 and xpu.memory_allocated() == 0
    with pytest.raises(AssertionError, match="not compiled with XPU"):
        xpu.current_device()
    assert not mps.is_available() and mps.device_count() == 0
    with pytest.raises(RuntimeError, match="without MPS backend"):
        mps.empty_cache()
    assert version.cuda is None and version.hip is None and version.__version__ == torch.__version__


def test_accelerator():
    there = torch.cuda.is_available()
    assert accelerator.is_available() == there and accelerator.device_count() == torch.cuda.device_count()
    found = accelerator.current_accelerator()
    assert (found.type == "cuda") if there else (found is None)
    if not there:
        with pytest.raises(RuntimeError, match="Cannot access accelerator device when none is available"):
            accelerator.synchronize()
        with accelerator.device_index(None):
            assert accelerator.memory_allocated() == 0


def test_compile_runs_things_as_they_are():
    model = nn.Linear(2, 3)
    with pytest.warns(UserWarning, match="no compiler"):
        assert torch.compile(model, mode="max-autotune", fullgraph=True, dynamic=False) is model
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the warning comes once

        @torch.compile(backend="inductor")
        def double(x):
            return 2 * x

    assert double(torch.ones(2)).tolist() == [2, 2]
    assert compiler.disable(double) is double and compiler.disable()(double) is double
    assert not compiler.is_compiling()


def test_compile_refuses():
    with pytest.raises(AssertionError, match="callable"):
        torch.compile(3)
    with pytest.raises(RuntimeError, match="Either mode or options"):
        torch.compile(abs, mode="default", options={})
    with pytest.raises(RuntimeError, match="Unrecognized mode=fast"):
        torch.compile(abs, mode="fast")
    with pytest.raises(RuntimeError, match="Invalid backend"):
        torch.compile(abs, backend="nothing")
    with pytest.raises(NotImplementedError, match="backend"):
        torch.compile(abs, backend=lambda graph, inputs: graph)


def test_script_marks():
    class Model(jit.ScriptModule):
        @jit.script_method
        def forward(self, x):
            return self.helper(x) if not jit.is_scripting() else x

        @jit.ignore
        def helper(self, x):
            return x + 1

        @jit.ignore(drop=True)
        def other(self):
            return 1

        @jit.unused
        def third(self):
            return 2

    with pytest.warns(UserWarning, match="no TorchScript"):
        model = jit.script(Model())
    assert model(torch.zeros(1)).item() == 1 and model.other() == 1 and model.third() == 2
    assert jit.annotate(list[int], [1]) == [1] and jit.Attribute(1, int).value == 1 and not jit.is_tracing()
    with pytest.raises(RuntimeError, match="script: expected"):
        jit.script(3)


@pytest.mark.parametrize(
    "call",
    [
        lambda: jit.trace(abs, (1,), check_trace=False),
        lambda: jit.trace_module(nn.ReLU(), {}),
        lambda: jit.load("model.pt", map_location="cpu"),
        lambda: jit.save(nn.ReLU(), "model.pt"),
        lambda: jit.freeze(nn.ReLU()),
    ],
)
def test_programs_are_not_written(call):
    with pytest.raises(NotImplementedError, match="jit"):
        call()


# ---- groups of one process


@pytest.fixture
def group(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setenv("RANK", "0")
    distributed.init_process_group(backend="gloo")
    yield distributed.group.WORLD
    if distributed.is_initialized():
        distributed.destroy_process_group()


def test_a_group_is_needed(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert not distributed.is_available() and not distributed.is_initialized()
    for call in (
        distributed.get_rank,
        distributed.barrier,
        lambda: distributed.all_reduce(torch.ones(1)),
        lambda: DistributedDataParallel(nn.Linear(1, 1)),
    ):
        with pytest.raises(ValueError, match="has not been initialized"):
            call()
    with pytest.raises(ValueError, match="environment variable WORLD_SIZE expected"):
        distributed.init_process_group("gloo")
    with pytest.raises(NotImplementedError, match="world_size=2"):
        distributed.init_process_group("gloo", init_method="tcp://localhost:1", world_size=2, rank=0)
    assert not distributed.is_initialized()


def test_collectives_of_one(group):
    assert (distributed.get_rank(), distributed.get_world_size(), distributed.get_backend()) == (0, 1, "gloo")
    with pytest.raises(ValueError, match="twice"):
        distributed.init_process_group("gloo")
    x = torch.arange(3.0)
    distributed.all_reduce(x, op=distributed.ReduceOp.SUM)
    distributed.broadcast(x, src=0)
    distributed.barrier()
    assert x.tolist() == [0, 1, 2]
    parts = [torch.zeros(3)]
    work = distributed.all_gather(parts, x, async_op=True)
    assert work.wait() and parts[0].tolist() == [0, 1, 2]
    into = torch.zeros(1, 3)
    distributed.all_gather_into_tensor(into, x)
    assert into.tolist() == [[0, 1, 2]]
    target = torch.zeros(3)
    distributed.scatter(target, [x])
    assert target.tolist() == [0, 1, 2]
    distributed.reduce_scatter(target, [x + 1])
    assert target.tolist() == [1, 2, 3]
    objects = [None]
    distributed.all_gather_object(objects, {"a": 1})
    assert objects == [{"a": 1}]
    with pytest.raises(ValueError, match="rank 0"):
        distributed.broadcast(x, src=1)
    with pytest.raises(ValueError, match="one entry"):
        distributed.all_gather([x, x], x)
    with pytest.raises(TypeError, match="expected a Tensor"):
        distributed.all_reduce([1.0])
    assert distributed.get_rank(distributed.new_group([])) == -1
    assert distributed.get_world_size(distributed.new_group([0])) == 1


def test_data_parallel_over_one_process(group):
    inner = nn.Linear(2, 1)
    model = DistributedDataParallel(inner, find_unused_parameters=True)
    assert model.module is inner and list(model.state_dict()) == ["module.weight", "module.bias"]
    with model.no_sync():
        assert not model.require_backward_grad_sync
        model(torch.ones(3, 2)).sum().backward()
    assert model.require_backward_grad_sync and inner.weight.grad.tolist() == [[3, 3]]
    with pytest.raises(RuntimeError, match="requires a gradient"):
        DistributedDataParallel(nn.ReLU())


def test_tensors_do_not_lie_in_several_processes():
    from tinytensor.distributed.tensor import DTensor

    assert not isinstance(nn.Linear(1, 1).weight, DTensor)
    with pytest.raises(NotImplementedError):
        DTensor(torch.ones(1), None, ())
    with pytest.raises(ImportError, match="distribute_tensor"):
        from tinytensor.distributed.tensor import distribute_tensor  # noqa: F401


def test_graphs_of_a_gpu_are_not_recorded():
    assert not torch.cuda.is_current_stream_capturing()
    for make in (torch.cuda.CUDAGraph, lambda: torch.cuda.graph(None)):
        with pytest.raises(NotImplementedError, match="not recorded"):
            make()


def test_modules_of_devices():
    assert torch.get_device_module("cpu") is torch.cpu
    assert torch.get_device_module(torch.device("cuda:0")) is torch.cuda
    assert torch.get_device_module() is (torch.cuda if torch.cuda.is_available() else torch.cpu)
    for wrong in ("meta", "nothing", 3):
        with pytest.raises(RuntimeError):
            torch.get_device_module(wrong)


def test_a_mesh_of_one_process():
    from tinytensor.distributed.device_mesh import DeviceMesh, init_device_mesh

    try:
        mesh = init_device_mesh("cpu", (1, 1), mesh_dim_names=("dp", "tp"))
        assert (mesh.shape, mesh.ndim, mesh.size(), mesh.size(1)) == ((1, 1), 2, 1, 1)
        assert mesh.mesh.tolist() == [[0]] and mesh.get_coordinate() == (0, 0) and mesh.get_rank() == 0
        assert mesh["tp"].mesh_dim_names == ("tp",) and mesh["tp"].get_group() is mesh.get_group("tp")
        assert (
            mesh["tp"].get_group().size() == 1 and mesh["dp", "tp"] == mesh and mesh.get_local_rank("dp") == 0
        )
        assert hash(mesh) == hash(mesh["dp", "tp"]) and mesh != mesh["tp"] and distributed.is_initialized()
        with pytest.raises(KeyError):
            mesh["pp"]
        for wrong in (
            mesh.get_group,
            mesh.get_local_rank,
            lambda: init_device_mesh("cpu", (2,)),
            lambda: init_device_mesh("cpu", (1,), mesh_dim_names=("a", "b")),
            lambda: init_device_mesh("cpu", (1, 1), mesh_dim_names=("a", "a")),
            lambda: DeviceMesh("cpu", [0, 1]),
        ):
            with pytest.raises(RuntimeError):
                wrong()
    finally:
        distributed.destroy_process_group()


def test_modes_are_not_entered():
    class Mode(torch.overrides.TorchFunctionMode):
        pass

    with pytest.raises(NotImplementedError, match="Mode"), Mode():
        raise AssertionError


def test_names_for_annotations():
    import typing

    from tinytensor import types

    assert isinstance(3, types.Number) and isinstance(torch.device("cpu"), types.Device)
    assert set(typing.get_args(types.Device)) == {torch.device, str, int, type(None)}
    assert isinstance(torch.ones(1).untyped_storage(), types.Storage)
