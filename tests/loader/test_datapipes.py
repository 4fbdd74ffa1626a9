"""Pipes: streams chained by methods."""

import pytest
from tinytensor.utils import data
from tinytensor.utils.data.datapipes import IterableWrapper


def test_chain() -> None:
    pipe = IterableWrapper(range(10)).filter(lambda x: x % 2).map(lambda x: x * x)
    assert list(pipe) == [1, 9, 25, 49, 81]
    assert list(pipe.batch(2)) == [[1, 9], [25, 49], [81]]
    assert list(pipe.batch(2, drop_last=True)) == [[1, 9], [25, 49]]
    assert list(pipe) == [1, 9, 25, 49, 81]  # a second pass
    with pytest.raises(AttributeError, match="no_such_pipe"):
        pipe.no_such_pipe()
    with pytest.raises(AssertionError, match="larger than 0"):
        pipe.batch(0)


def test_a_pipe_of_ones_own() -> None:
    @data.functional_datapipe("twice_each")
    class TwiceEach(data.IterDataPipe):
        def __init__(self, source):
            self.source = source

        def __iter__(self):
            for x in self.source:
                yield from (x, x)

    assert list(IterableWrapper("ab").twice_each()) == ["a", "a", "b", "b"]
    assert [batch for batch in data.DataLoader(IterableWrapper(range(4)).twice_each(), batch_size=4)][
        0
    ].tolist() == [0, 0, 1, 1]
    with pytest.raises(Exception, match="already taken"):
        data.functional_datapipe("twice_each")(TwiceEach)
    with pytest.raises(TypeError, match="can only decorate"):
        data.functional_datapipe("list")(list)
