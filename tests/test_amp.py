"""Mixed precision: what autocast casts, and how the factor of the loss moves."""

import pickle
import threading
import warnings

import numpy as np
import pytest
import tinytensor as tt
from tinytensor.nn import functional as F


def ones(*shape, dtype=tt.float32):
    return tt.ones(*shape, dtype=dtype)


# ---------------------------------------------------------------- autocast


def test_products_run_in_the_smaller_type():
    a, kernel, image = ones(4, 4), ones(2, 3, 3, 3), ones(1, 3, 5, 5)
    calls = [
        lambda: a @ a,
        lambda: tt.mm(a, a),
        lambda: a.matmul(a),
        lambda: tt.addmm(a, a, a),
        lambda: tt.bmm(a[None], a[None]),
        lambda: tt.einsum("ij,jk", a, a),
        lambda: F.linear(a, a),
        lambda: tt.nn.Linear(4, 2)(a),
        lambda: F.conv2d(image, kernel),
        lambda: tt.nn.Conv2d(3, 2, 3)(image),
        lambda: F.scaled_dot_product_attention(a[None, None], a[None, None], a[None, None]),
    ]
    for dtype in (tt.bfloat16, tt.float16):
        with tt.autocast("cpu", dtype=dtype):
            assert [call().dtype for call in calls] == [dtype] * len(calls)
    assert [call().dtype for call in calls] == [tt.float32] * len(calls)


def test_what_stays():
    a = ones(4, 4)
    with tt.autocast("cpu"):
        half = a @ a
        assert (a + a).dtype == tt.float32 and (half + half).dtype == tt.bfloat16
        assert half.exp().dtype == half.sum().dtype == half.relu().dtype == tt.bfloat16
        assert (a.double() @ a.double()).dtype == tt.float64
        assert tt.cat([a, half]).dtype == tt.float32
        out = ones(4, 4)
        assert tt.mm(a, a, out=out) is out and out.dtype == tt.float32
        integers = tt.ones(2, 2, dtype=tt.int64)
        assert (integers @ integers).dtype == tt.int64


def test_losses_run_in_float32():
    with tt.autocast("cpu"):
        half = ones(4, 4) @ ones(4, 4)
        assert F.mse_loss(half, half).dtype == tt.float32
        assert F.cross_entropy(half, tt.tensor([0, 1, 2, 3])).dtype == tt.float32
        assert tt.prod(half).dtype == tt.float32


def test_nesting_and_switches():
    a = ones(2, 2)
    assert not tt.is_autocast_enabled("cpu") and tt.get_autocast_dtype("cpu") == tt.bfloat16
    with tt.autocast("cpu", dtype=tt.float16):
        assert tt.is_autocast_enabled("cpu") and tt.is_autocast_cpu_enabled() and not tt.is_autocast_enabled()
        assert tt.get_autocast_dtype("cpu") == tt.get_autocast_cpu_dtype() == tt.float16
        with tt.amp.autocast("cpu", enabled=False):
            assert (a @ a).dtype == tt.float32
        assert (a @ a).dtype == tt.float16
        with pytest.raises(ZeroDivisionError), tt.cpu.amp.autocast():
            assert (a @ a).dtype == tt.bfloat16
            raise ZeroDivisionError
        assert (a @ a).dtype == tt.float16
    assert not tt.is_autocast_enabled("cpu") and tt.get_autocast_dtype("cpu") == tt.bfloat16
    assert tt.get_autocast_gpu_dtype() == tt.float16


def test_decorator():
    @tt.autocast("cpu")
    def product(a, b=None):
        """Doc."""
        return a @ b

    assert product(ones(2, 2), b=ones(2, 2)).dtype == tt.bfloat16 and product.__doc__ == "Doc."


def test_another_thread_has_its_own():
    seen = []
    with tt.autocast("cpu"):
        thread = threading.Thread(target=lambda: seen.append((ones(2, 2) @ ones(2, 2)).dtype))
        thread.start()
        thread.join()
    assert seen == [tt.float32]


def test_gradients_are_the_parameters_type():
    model = tt.nn.Linear(4, 3)
    with tt.autocast("cpu"):
        loss = F.mse_loss(model(ones(2, 4)), ones(2, 3))
    loss.backward()
    assert model.weight.grad.dtype == tt.float32
    half = model.weight.grad.clone()
    model.zero_grad()
    F.mse_loss(model(ones(2, 4)), ones(2, 3)).backward()
    np.testing.assert_allclose(half.numpy(), model.weight.grad.numpy(), rtol=0.05, atol=0.01)


def test_peer():
    torch = pytest.importorskip("torch")

    def kinds(lib):
        F, a, image = lib.nn.functional, lib.ones(4, 4), lib.ones(1, 3, 5, 5)
        with lib.autocast("cpu"):
            h = a @ a
            results = [
                h.softmax(0),
                F.layer_norm(h, [4]),
                F.mse_loss(h, h),
                F.l1_loss(h, a),
                F.smooth_l1_loss(h, h),
                F.kl_div(h, h),
                F.binary_cross_entropy_with_logits(h, h),
                F.nll_loss(h, lib.tensor([0, 1, 2, 3])),
                F.gelu(h),
                F.max_pool2d(image, 2),
                F.avg_pool2d(image.bfloat16(), 2),
                F.conv_transpose2d(image, lib.ones(3, 2, 2, 2)),
                lib.stack([a, h]),
                lib.cdist(h, h),
                h.prod(),
                h.mean(),
                h.norm(),
                a.mv(a[0]),
                a[0].dot(a[0]),
                lib.baddbmm(a[None], a[None], a[None]),
                lib.outer(a[0], a[0]),
                h * a,
            ]
        return [str(result.dtype).split(".")[1] for result in results]

    assert kinds(tt) == kinds(torch)


def test_bad_devices():
    with pytest.raises(RuntimeError, match="foo"):
        tt.autocast("foo")
    with pytest.raises(ValueError, match="device_type"):
        tt.autocast(3)
    with pytest.warns(UserWarning, match="not supported"):
        mode = tt.autocast("cpu", dtype=tt.float32)
    with mode:
        assert (ones(2, 2) @ ones(2, 2)).dtype == tt.float32


@pytest.mark.skipif(tt.cuda.is_available(), reason="there is a GPU")
def test_cuda_names_without_a_gpu():
    with pytest.warns(UserWarning, match="CUDA is not available"), tt.cuda.amp.autocast():
        assert (ones(2, 2) @ ones(2, 2)).dtype == tt.float32
    with pytest.warns(UserWarning, match="CUDA is not available"):
        scaler = tt.cuda.amp.GradScaler()
    assert not scaler.is_enabled() and scaler.get_scale() == 1 and scaler.state_dict() == {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tt.cuda.amp.GradScaler(enabled=False)
        tt.autocast("cuda", enabled=False)


def test_custom_functions():
    seen = []

    class Square(tt.autograd.Function):
        @staticmethod
        @tt.amp.custom_fwd(device_type="cpu", cast_inputs=tt.float32)
        def forward(ctx, x):
            ctx.save_for_backward(x)
            seen.append((x.dtype, tt.is_autocast_enabled("cpu")))
            return x * x

        @staticmethod
        @tt.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            seen.append((x.dtype, tt.is_autocast_enabled("cpu")))
            return 2 * g * x

    x = tt.ones(3, dtype=tt.bfloat16, requires_grad=True)
    with tt.autocast("cpu"):
        Square.apply(x).sum().backward()
    assert seen == [(tt.float32, False), (tt.float32, False)]
    assert x.grad.dtype == tt.bfloat16 and (x.grad == 2).all()


# ---------------------------------------------------------------- the factor of the loss


def make(**options):
    param = tt.zeros(2, requires_grad=True)
    return param, tt.optim.SGD([param], lr=1.0), tt.amp.GradScaler("cpu", **{"init_scale": 4.0, **options})


def take(param, optimizer, scaler, slope=1.0):
    optimizer.zero_grad()
    scaler.scale((param * slope).sum()).backward()
    scaler.step(optimizer)
    scaler.update()


def test_the_factor_moves():
    param, optimizer, scaler = make(growth_interval=2)
    seen = []
    for slope in (1.0, 1.0, float("inf"), 1.0, float("nan"), 1.0, 1.0):
        take(param, optimizer, scaler, slope)
        seen.append((scaler.get_scale(), param[0].item()))
    assert seen == [(4, -1), (8, -2), (4, -2), (4, -3), (2, -3), (2, -4), (4, -5)]
    assert scaler.state_dict() == {
        "scale": 4.0,
        "growth_factor": 2.0,
        "backoff_factor": 0.5,
        "growth_interval": 2,
        "_growth_tracker": 0,
    }


def test_unscaling_before_clipping():
    param, optimizer, scaler = make()
    scaler.scale((param * 2).sum()).backward()
    assert (param.grad == 8).all()
    scaler.unscale_(optimizer)
    assert (param.grad == 2).all()
    with pytest.raises(RuntimeError, match="already been called"):
        scaler.unscale_(optimizer)
    tt.nn.utils.clip_grad_norm_(param, 1.0)
    scaler.step(optimizer)
    np.testing.assert_allclose(param.detach().numpy(), -np.sqrt([0.5, 0.5]), rtol=1e-5)
    for method in (scaler.step, scaler.unscale_):
        with pytest.raises(RuntimeError, match="step"):
            method(optimizer)


def test_two_optimizers():
    param, optimizer, scaler = make()
    other = tt.zeros(1, requires_grad=True)
    second = tt.optim.SGD([other], lr=1.0)
    scaler.scale(param.sum() + (other * float("inf")).sum()).backward()
    scaler.step(optimizer)
    scaler.step(second)
    scaler.update()
    assert (param == -1).all() and (other == 0).all() and scaler.get_scale() == 2


def test_iterables():
    _, _, scaler = make()
    pair = scaler.scale([ones(1), (ones(2),)])
    assert isinstance(pair, list) and pair[0] == 4 and (pair[1][0] == 4).all()
    for bad in (3, "a"):
        with pytest.raises(ValueError, match="iterable of Tensors"):
            scaler.scale(bad)


def test_bad_calls():
    _, optimizer, scaler = make()
    for method in (lambda: scaler.step(optimizer), scaler.update, lambda: scaler.unscale_(optimizer)):
        with pytest.raises(AssertionError, match="_scale is None"):
            method()
    scaler.scale(ones(1))
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.step(optimizer)
    with pytest.raises(AssertionError, match="No inf checks"):
        scaler.update()
    with pytest.raises(RuntimeError, match="Closure"):
        scaler.step(optimizer, closure=print)
    with pytest.raises(AssertionError, match="growth"):
        make(growth_factor=1.0)
    with pytest.raises(AssertionError, match="backoff"):
        make(backoff_factor=1.0)
    with pytest.raises(RuntimeError, match="empty"):
        scaler.load_state_dict({})
    half = tt.zeros(2, dtype=tt.float16, requires_grad=True)
    half.grad = ones(2, dtype=tt.float16)
    with pytest.raises(ValueError, match="FP16"):
        scaler.unscale_(tt.optim.SGD([half]))


def test_settings_and_copies():
    param, optimizer, scaler = make()
    take(param, optimizer, scaler)
    scaler.update(8.0)
    assert scaler.get_scale() == 8
    scaler.update(tt.tensor(2.0))
    twin = pickle.loads(pickle.dumps(scaler))
    assert twin.state_dict() == scaler.state_dict() and twin.get_scale() == 2
    scaler.set_growth_factor(3.0)
    scaler.set_backoff_factor(0.25)
    scaler.set_growth_interval(7)
    twin.load_state_dict(scaler.state_dict())
    assert (twin.get_growth_factor(), twin.get_backoff_factor(), twin.get_growth_interval()) == (3, 0.25, 7)
    scaler.scale(param.sum()).backward()
    scaler.unscale_(optimizer)
    with pytest.raises(AssertionError, match="pickled"):
        pickle.dumps(scaler)


def test_disabled():
    param, optimizer, scaler = make(enabled=False)
    take(param, optimizer, scaler)
    assert (
        (param == -1).all() and scaler.scale(3) == 3 and scaler.get_scale() == 1 and scaler.state_dict() == {}
    )
    scaler.load_state_dict({})


def test_peer_run():
    torch = pytest.importorskip("torch")
    results = []
    for lib in (tt, torch):
        param = lib.zeros(2, requires_grad=True)
        optimizer = lib.optim.Adam([param], lr=0.1)
        scaler = lib.amp.GradScaler("cpu", init_scale=2.0**20, growth_interval=3)
        for slope in (1.0, 2.0, float("inf"), 3.0, 1.0, 1.0, 2.0, 1e30, 1.0):
            optimizer.zero_grad()
            scaler.scale((param * slope).sum()).backward()
            scaler.step(optimizer)
            scaler.update()
        results.append((param.detach().numpy().tolist(), scaler.state_dict()))
    assert results[0][1] == results[1][1]
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
