"""A function of tensors as the list of operations that it came down to, carried out again without what led to them."""

import warnings
from collections.abc import Callable, Hashable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import TreeSpec, tree_flatten, tree_leaves, tree_map
from torch.utils.weak import WeakTensorKeyDictionary

Results = tuple[Tensor | None, ...]
WORTH = 200  # steps of a training: one is recorded in the time of some ten


class Recorded:
    """Takes the place of a function of trees of tensors, which is called again and again with such of the same shapes;
    with trees of another form it is called as it is.

    The first call is recorded below autograd and batching (`torch.func.vmap`): what it computes and what it changes in
    place, operation by operation. Recorded it is also carried out, beside the function itself on a copy of its
    arguments; where both come to the same, to the bit on a processor, all later calls are the operations alone. Where
    they do not, or where the function reads a value, it is called as it is, with a warning that says why.
    """

    def __init__(self, function: Callable[..., Results]):
        self._function = function
        self._form: TreeSpec | None = None  # of the arguments of the first call
        self._program: GraphModule | None = None

    def __call__(self, *arguments: Any) -> Results:
        """Return what the function returns."""
        leaves, form = tree_flatten(arguments)
        if self._form is None:
            self._form = form
            try:
                self._program = self._checked(arguments)
            except Exception as error:  # whatever a model raises in it comes up again where it is called
                reason = (str(error) or type(error).__name__).splitlines()[0]
                warnings.warn(f"this step is not recorded and runs as it is: {reason}", stacklevel=2)
        if self._program is None or form != self._form:
            return self._function(*arguments)
        with torch.no_grad():
            results: Results = self._program(*leaves)
        return results

    def _checked(self, arguments: Any) -> GraphModule:
        """Return the record of a call on copies of the arguments; raises ValueError where it comes out differently."""
        plain, own, again = (tree_map(torch.clone, arguments) for _ in range(3))
        program, _ = record(self._function, own)
        expected = (*self._function(*plain), *tree_leaves(plain))
        with torch.no_grad():
            found = (*program(*tree_leaves(again)), *tree_leaves(again))
        if not all(map(_alike, expected, found)):
            raise ValueError("recorded, it comes out differently")
        return program


def record(function: Callable[..., Results], arguments: Sequence[Any]) -> tuple[GraphModule, Callable[[Any], bool]]:
    """Return the operations of a call as a function of the arguments' leaves, and whether a tensor took part in it.

    Raises ValueError for a function that reads a value.
    """
    recorder = _Recorder()
    for leaf in tree_leaves(arguments):
        recorder.note(leaf, recorder.graph.placeholder(f"given{len(recorder.nodes)}"))
    with recorder:
        results = function(*arguments)
    recorder.graph.output(tuple(recorder.node(result) for result in results))
    for node in reversed(recorder.graph.nodes):
        if not node.users and node.op == "call_function" and _changes_nothing(node.target):
            recorder.graph.erase_node(node)
    program = GraphModule(recorder.constants, recorder.graph)
    return program, lambda leaf: isinstance(leaf, Tensor) and leaf in recorder.nodes


class _Recorder(TorchDispatchMode):
    """Writes down the operations that are carried out under it."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = Graph()
        self.nodes: Any = WeakTensorKeyDictionary()  # tensor -> Node
        self._at: WeakValueDictionary[Hashable, Tensor] = WeakValueDictionary()  # the first of such a place
        self.constants: dict[str, Tensor] = {}  # what the function has from elsewhere

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        noted = tree_map(self.node, (args, kwargs))
        result = func(*args, **kwargs)
        if func.is_view and isinstance(result, Tensor) and (same := self._at.get(_place(result))) is not None:
            self.nodes[result] = self.nodes[same]  # a view that there is already
            return result
        node = self.graph.call_function(func, *noted)
        if isinstance(result, Tensor):
            self.note(result, node)
        elif isinstance(result, (tuple, list)) and all(each is None or isinstance(each, Tensor) for each in result):
            for place, each in enumerate(result):
                if each is not None:
                    self.note(each, self.graph.call_function(_item, (node, place)))
        elif result is not None:
            raise ValueError(f"it reads a value, by {func}")
        return result

    def node(self, value: Any) -> Any:
        """Return the node of a tensor; anything else is itself."""
        if not isinstance(value, Tensor):
            return value
        if value not in self.nodes:
            name = f"constant{len(self.constants)}"
            self.constants[name] = value
            self.note(value, self.graph.get_attr(name))
        return self.nodes[value]

    def note(self, tensor: Tensor, node: Node) -> None:
        """Keep a tensor's node."""
        self.nodes[tensor] = node
        if tensor.numel():
            self._at.setdefault(_place(tensor), tensor)


def _place(tensor: Tensor) -> Hashable:
    """Return what two tensors have in common that are one: numbers, their order, and how they are read."""
    read = tensor.dtype, tensor.is_conj(), tensor.is_neg()
    return tensor.data_ptr(), tensor.shape, tensor.stride(), read


def _changes_nothing(func: Any) -> bool:
    """Whether all that an operation does is its result: it neither writes into a tensor nor draws."""
    return func is _item or not (func._schema.is_mutable or torch.Tag.nondeterministic_seeded in func.tags)


def _item(values: Sequence[Tensor], place: int) -> Tensor:
    return values[place]


def _alike(one: Tensor | None, other: Tensor | None) -> bool:
    """Whether two results are the same; on an accelerator, whose sums have no order, nearly."""
    if one is None or other is None:
        return one is other
    if one.device.type == "cpu":
        return bool(((one == other) | ((one != one) & (other != other))).all())
    return bool((one - other).double().norm() <= 1e-3 * one.double().norm() + 1e-6)
