"""Bad input is PyTorch's exception, with a message that names the operation; nothing crashes and nothing is lost."""

import numpy as np
import pytest
import tinytensor as torch


def nested(depth: int) -> list:
    result: list = [1.0]
    for _ in range(depth):
        result = [result]
    return result


REFUSED = {
    OverflowError: [
        "torch.full((2,), 2**70)",
        "torch.zeros(2) + 2**70",
        "torch.zeros(2).fill_(2**70)",
    ],
    RuntimeError: [
        "torch.empty(2**62, 2**62)",
        "torch.zeros(2**40, 2**40)",
        "torch.rand(2**33, 2**33)",
        "torch.zeros(1).expand(2**40, 2**40)",
        "torch.zeros(1).expand(2**40, 2**20).clone()",
        "torch.empty(2**50)",
        "torch.empty(-1)",
        "torch.zeros(2, -3)",
        "torch.empty_strided((2,2),(-1,1))",
        "torch.empty_strided((2,2),(2**62,2**62))",
        "torch.empty_strided((2,2),(1,))",
        "torch.zeros(4).as_strided((5,),(1,))",
        "torch.zeros(4).as_strided((2,2),(2**62,2**62))",
        "torch.zeros(4).as_strided((2,),(1,),-1)",
        "torch.zeros(4).as_strided((2,),(-1,))",
        "torch.zeros(4).view(3)",
        "torch.zeros(4).view(2**62, 4)",
        "torch.zeros(4).view(-1, -1)",
        "torch.zeros(4).view(-2)",
        "torch.zeros(0).reshape(0, -1)",
        "torch.zeros(4).narrow(0, 2, 5)",
        "torch.zeros(4).narrow(0, 2, -1)",
        "torch.zeros(4).gather(0, torch.tensor([9]))",
        "torch.zeros(4).scatter(0, torch.tensor([9]), 1.0)",
        "torch.tensor([1]) // torch.tensor([0])",
        "torch.tensor([1]) // 0",
        "torch.tensor([1]) % torch.tensor([0])",
        "torch.tensor([1]) % 0",
        "torch.fmod(torch.tensor([1]), 0)",
        "torch.tensor([2]) ** -1",
        "torch.zeros(0).max()",
        "torch.zeros(0).aminmax()",
        "torch.zeros(0).quantile(0.5)",
        "torch.tensor([1]).mean()",
        "torch.tensor([True]).var()",
        "torch.zeros(3) + torch.zeros(4)",
        "torch.zeros(2,3) @ torch.zeros(4,5)",
        "torch.zeros(2,3) @ torch.zeros(3,5,dtype=torch.float64)",
        "torch.tensor(1.) @ torch.zeros(2)",
        "torch.cat([torch.zeros(2,3), torch.zeros(2,4)])",
        "torch.stack([])",
        "-torch.tensor([True])",
        "torch.tensor([True]) - torch.tensor([True])",
        "torch.tensor([4]).sqrt_()",
        "torch.tensor([4]).add_(1.5)",
        "torch.tensor(None)",
        "torch.tensor(300, dtype=torch.uint8)",
        "torch.zeros(2, dtype=torch.int8).fill_(1000)",
        "torch.zeros(2).item()",
        "bool(torch.zeros(2))",
        "torch.arange(float('inf'))",
        "torch.arange(0, 5, 0)",
        "torch.arange(5, 0)",
        "torch.arange(0, 1e300)",
        "torch.linspace(0, 1, -1)",
        "torch.randint(5, 5, (2,))",
        "torch.randperm(-1)",
        "torch.multinomial(torch.tensor([-1., 2.]), 1)",
        "torch.multinomial(torch.tensor([1., 2.]), 5)",
        "torch.zeros(2).bernoulli_(1.5)",
        "torch.normal(0., -1., (2,))",
        "torch.zeros(2).uniform_(2, 1)",
        "torch.zeros(2).exponential_(-1)",
        "torch.zeros(4).split(0)",
        "torch.zeros(4).split(-1)",
        "torch.zeros(4).split([1, 2])",
        "torch.zeros(4).chunk(0)",
        "torch.zeros(4).unfold(0, 5, 1)",
        "torch.zeros(4).unfold(0, 2, 0)",
        "torch.zeros(4).repeat(-1)",
        "torch.zeros(4).repeat(2**62)",
        "torch.zeros(4,4).repeat(2)",
        "torch.zeros(4).tile((2**40, 2**40))",
        "torch.zeros(2).repeat_interleave(torch.tensor([-1, 2]))",
        "torch.zeros(2).repeat_interleave(2**62)",
        "torch.zeros(4).topk(9)",
        "torch.zeros(4).kthvalue(9)",
        "torch.bincount(torch.tensor([-1]))",
        "torch.bincount(torch.tensor([2**62]))",
        "torch.histc(torch.zeros(2), bins=0)",
        "torch.eye(-1)",
        "torch.eye(2**40)",
        "torch.zeros(2,2,2).diag()",
        "torch.zeros(4).roll((1,2),(0,))",
        "torch.zeros(2,2).flip((0,0))",
        "torch.zeros(2,2).permute(0,0)",
        "torch.zeros(2,3).expand(3)",
        "torch.zeros(3).expand(-1, 3)",
        "torch.zeros(3, requires_grad=True).mul(2).backward()",
        "torch.zeros(1).backward()",
        "torch.tensor([1], requires_grad=True)",
        "torch.zeros(1, requires_grad=True).numpy()",
        "torch.zeros(3).__setitem__(slice(None), torch.zeros(2))",
        "torch.zeros(3, device='banana')",
        "torch.meshgrid(torch.zeros(2,2), indexing='ij')",
        "torch.einsum('ij,jk->ik', torch.zeros(2,3), torch.zeros(4,5))",
        "torch.tensordot(torch.zeros(2,3), torch.zeros(4,5), 1)",
        "torch.cross(torch.zeros(2), torch.zeros(2), dim=0)",
        "torch.where(torch.zeros(3).bool(), torch.zeros(2), torch.zeros(4))",
        "torch.zeros(2).clamp()",
        "torch.add(torch.zeros(2), torch.zeros(2), out=torch.zeros(2, dtype=torch.int32))",
        "torch.mm(torch.zeros(2,2), torch.zeros(2,2), out=torch.zeros(2,2, dtype=torch.float64))",
        "torch.zeros(1).expand(3).add_(1)",
        "torch.zeros(1).expand(3).copy_(torch.ones(3))",
        "torch.from_numpy(np.zeros(3)).resize_(10)",
    ],
    IndexError: [
        "torch.tensor(1).size(0)",
        "torch.tensor(1).stride(-1)",
        "torch.zeros(4)[4]",
        "torch.zeros(4)[-5]",
        "torch.zeros(4)[torch.tensor([7])]",
        "torch.zeros(4)[2**63-1]",
        "torch.zeros(4)[0, 0]",
        "torch.zeros(4)[torch.tensor([True, False])]",
        "torch.zeros(4).select(0, 9)",
        "torch.zeros(4).index_select(0, torch.tensor([9]))",
        "torch.zeros(4).take(torch.tensor([9]))",
        "torch.zeros(4).sum(3)",
        "torch.zeros(0, 3).min(0)",
        "torch.zeros(0).argmax()",
        "torch.zeros(0,2).mode(0)",
        "torch.zeros(2).transpose(0,3)",
        "torch.zeros(2).squeeze(4)",
        "torch.zeros(2).unsqueeze(4)",
        "torch.zeros(2).cumsum(3)",
        "torch.zeros(2).sort(dim=4)",
    ],
    ValueError: [
        "torch.zeros(4)[2**70]",
        "torch.zeros(4)[::0]",
        "torch.zeros(4)[::-1]",
        "torch.cat([])",
        "torch.tensor(nested(100_000)).dim()",
        "torch.tensor([[1, 2], [3]])",
        "torch.tensor(['a'])",
        "torch.tensor(2**70)",
        "int(torch.tensor(float('nan')))",
        "torch.frombuffer(b'abc', dtype=torch.float32)",
        "torch.from_numpy(np.zeros(4)[::-1])",
        "torch.tensor(nested(100_000))",
    ],
    NotImplementedError: [
        "torch.zeros(2) & torch.zeros(2)",
    ],
    TypeError: [
        "torch.zeros(3).__setitem__(0, 'a')",
        "torch.zeros(3, dtype='float32')",
        "torch.from_numpy(np.array(['a']))",
    ],
}


@pytest.mark.parametrize(
    ("error", "code"), [(error, code) for error, codes in REFUSED.items() for code in codes]
)
def test_refused(error: type[Exception], code: str) -> None:
    with pytest.raises(error) as caught:
        eval(code, {"torch": torch, "np": np, "nested": nested})
    assert type(caught.value) is error and len(str(caught.value)) > 10


LOWEST = {"int8": -(2**7), "int16": -(2**15), "int32": -(2**31), "int64": -(2**63)}


@pytest.mark.parametrize("name", LOWEST)
def test_the_lowest_integer_by_minus_one(name: str) -> None:
    """The quotient does not fit: it wraps, as NumPy's does, and the processor's trap is not met."""
    dtype, lowest = getattr(torch, name), LOWEST[name]
    x, minus_one = torch.tensor([lowest, 7], dtype=dtype), torch.tensor([-1, -1], dtype=dtype)
    for divisor in (minus_one, -1):
        assert (x // divisor).tolist() == [lowest, -7]
        assert torch.div(x, divisor, rounding_mode="trunc").tolist() == [lowest, -7]
        assert (x % divisor).tolist() == [0, 0]
        assert torch.fmod(x, divisor).tolist() == [0, 0]
    assert x.abs().tolist() == [lowest, 7]


def test_memory_shared_with_numpy_keeps_its_size() -> None:
    array = np.arange(3.0)
    with pytest.raises(RuntimeError, match="resiz"):
        torch.from_numpy(array).resize_(10)
    assert array.tolist() == [0.0, 1.0, 2.0]


def test_a_failed_operation_changes_nothing() -> None:
    x = torch.arange(4.0)
    for change in (
        lambda: x.index_copy_(0, torch.tensor([0, 9]), torch.tensor([5.0, 6.0])),
        lambda: x.scatter_(0, torch.tensor([0, 9]), 7.0),
        lambda: x.__setitem__(torch.tensor([0, 9]), 8.0),
        lambda: x.add_(torch.zeros(3)),
        lambda: x.copy_(torch.zeros(3)),
    ):
        with pytest.raises((RuntimeError, IndexError)):
            change()
        assert x.tolist() == [0.0, 1.0, 2.0, 3.0]
