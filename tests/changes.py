"""Small wrong changes to a module, read off its syntax tree: a sign, an axis, arguments exchanged, an ignored seed."""

import ast
import copy
import random
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

_AXES = {"dim", "dims", "axis", "axes"}
_REDUCTIONS = {
    "sum",
    "mean",
    "var",
    "std",
    "norm",
    "amin",
    "amax",
    "argmin",
    "argmax",
    "cumsum",
    "softmax",
    "logsumexp",
}
_ALONG = _REDUCTIONS | {
    "log_softmax",
    "cat",
    "stack",
    "concatenate",
    "chunk",
    "split",
    "unsqueeze",
    "squeeze",
    "flatten",
}
_COMMUTATIVE = {"min", "max", "minimum", "maximum", "isinstance", "hasattr", "getattr", "range", "TypeVar", "cast"}
_PASSED_OVER = {
    "exp",
    "log",
    "log1p",
    "sqrt",
    "abs",
    "square",
    "tanh",
    "sigmoid",
    "softplus",
    "detach",
    "clamp",
    "clip",
}
_LIBRARIES = {"math", "np", "numpy", "torch", "functional", "nn"}
_OPPOSITE = {"lower": "higher", "min": "max", "amin": "amax", "argmin": "argmax", "minimum": "maximum"}
_OPPOSITE |= {new: old for old, new in _OPPOSITE.items()}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
_NO_NUMBERS = (ast.Import, ast.ImportFrom, ast.Raise, ast.Assert, ast.JoinedStr)
_NOT_READ = {"annotation", "returns", "decorator_list", "bases", "type_params", "type_comment"}


@dataclass(frozen=True)
class Change:
    """Other text for the bytes from `start` to `end` of a file, on a line, and which kind of error that is."""

    path: str
    line: int
    kind: str
    start: int
    end: int
    new: str

    def made(self, source: bytes) -> bytes:
        """Return the file's bytes with the change."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def changes(path: str, source: bytes) -> list[Change]:
    """Return every change of a file that leaves other text once both are written in one way."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = {}
    for node, table in _expressions(tree, True):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)
        for kind, wrong in KINDS.items():
            for other in wrong(node, table, tree):
                if ast.unparse(other) != ast.unparse(node):
                    change = Change(path, node.lineno, kind, start, end, _text(other))
                    found[change.start, change.end, change.new] = change
    return list(found.values())


def sample(found: Iterable[Change], seed: int) -> Iterator[Change]:
    """Yield changes in a random order, each time of a kind drawn from those that are left."""
    rng = random.Random(seed)
    by_kind: dict[str, list[Change]] = {}
    for change in found:
        by_kind.setdefault(change.kind, []).append(change)
    while by_kind:
        kind = rng.choice(sorted(by_kind))
        yield by_kind[kind].pop(rng.randrange(len(by_kind[kind])))
        if not by_kind[kind]:
            del by_kind[kind]


def _text(node: ast.expr) -> str:
    text = ast.unparse(node)
    compound = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda)
    return f"({text})" if isinstance(node, compound) else text


def _expressions(node: ast.AST, table: bool) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the expressions that are computed, and whether each stands outside all functions, in a table of data."""
    if isinstance(node, _NO_NUMBERS) or _is_doc(node) or _is_message(node):
        return
    if isinstance(node, ast.expr):
        yield node, table
    within = table and not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if field not in _NOT_READ and isinstance(child, ast.AST):
                yield from _expressions(child, within)


def _is_doc(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_message(node: ast.AST) -> bool:
    named = isinstance(node, ast.Call) and _called(node) in {"warn", "print", "info", "Blank", "BadInput", "NoResults"}
    exported = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return named or exported or isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def _with(node: ast.expr, **fields: object) -> ast.expr:
    """Return a copy of a node with other fields."""
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def _number(node: ast.AST | None) -> int | None:
    """Return the whole number that a node is, or None."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _number(node.operand)
        return None if value is None else -value
    whole = isinstance(node, ast.Constant) and type(node.value) is int
    return node.value if whole else None  # type: ignore[union-attr]


def _sign(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        yield _with(node, op=_ARITHMETIC[type(node.op)]())


def _dropped(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and type(node.op) in {*_ARITHMETIC, ast.Pow, ast.MatMult}:
        yield node.left
        if isinstance(node.op, (ast.Add, ast.Mult)):
            yield node.right
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _PASSED_OVER:
        library = isinstance(node.func.value, ast.Name) and node.func.value.id in _LIBRARIES
        if not library:
            yield node.func.value
        elif node.args:
            yield node.args[0]


def _comparison(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in _COMPARISONS.get(type(node.ops[0]), ()):
            yield _with(node, ops=[op()])


def _condition(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.BoolOp):
        for i in range(len(node.values)):
            rest = node.values[:i] + node.values[i + 1 :]
            yield _with(node, values=rest) if len(rest) > 1 else rest[0]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    if isinstance(node, ast.IfExp):
        yield _with(node, body=node.orelse, orelse=node.body)


def _axis(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if not isinstance(node, ast.Call):
        return
    for i, word in enumerate(node.keywords):
        old = _number(word.value)
        if word.arg in _AXES and old is not None:
            new = ast.keyword(word.arg, ast.Constant(_other_axis(old)))
            yield _with(node, keywords=[*node.keywords[:i], new, *node.keywords[i + 1 :]])
    for i, argument in enumerate(node.args):
        old = _number(argument)
        if old is not None and isinstance(node.func, ast.Attribute) and node.func.attr in _ALONG:
            yield _with(node, args=[*node.args[:i], ast.Constant(_other_axis(old)), *node.args[i + 1 :]])


def _other_axis(axis: int) -> int:
    return {0: 1, -1: 0}.get(axis, axis + 1 if axis < 0 else axis - 1)


def _constant(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Constant) and type(node.value) in (bool, int, float):
        old = node.value
        small = type(old) is int and old <= 10
        yield ast.Constant(not old if type(old) is bool else old + 1 if small or not old else 2 * old)  # type: ignore


def _arguments(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call) and _called(node) not in _COMMUTATIVE:
        for i in range(len(node.args) - 1):
            first, second = node.args[i : i + 2]
            if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
                yield _with(node, args=[*node.args[:i], second, first, *node.args[i + 2 :]])


def _seed(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if not isinstance(node, ast.Call):
        return
    for i, argument in enumerate(node.args):
        if isinstance(argument, (ast.Name, ast.Attribute)) and "seed" in ast.unparse(argument):
            yield _with(node, args=[*node.args[:i], ast.Constant(0), *node.args[i + 1 :]])
    for i, word in enumerate(node.keywords):
        if word.arg in {"seed", "random_state", "generator"} and not isinstance(word.value, ast.Constant):
            new = ast.keyword(word.arg, ast.Constant(None if word.arg == "generator" else 0))
            yield _with(node, keywords=[*node.keywords[:i], new, *node.keywords[i + 1 :]])


def _direction(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Constant) and node.value in ("lower", "higher"):
        yield ast.Constant(_OPPOSITE[str(node.value)])
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _OPPOSITE:
        yield _with(node, func=ast.Name(_OPPOSITE[node.func.id]))
    if isinstance(node, ast.Attribute) and node.attr in _OPPOSITE:
        yield _with(node, attr=_OPPOSITE[node.attr])


def _strings(node: ast.expr, table: bool, tree: ast.AST) -> Iterator[ast.expr]:
    """Exchange two strings side by side in a table of data; give "key=value" another value that the module knows."""
    field = "elts" if isinstance(node, (ast.Tuple, ast.List)) else "values" if isinstance(node, ast.Dict) else ""
    texts = getattr(node, field, [])
    for i in range(len(texts) - 1) if table else ():
        if all(isinstance(n, ast.Constant) and isinstance(n.value, str) for n in texts[i : i + 2]):
            yield _with(node, **{field: [*texts[:i], texts[i + 1], texts[i], *texts[i + 2 :]]})
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"\w+=\S+$", node.value):
        key = node.value.partition("=")[0]
        known = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
        others = sorted(text for text in known - {node.value} if re.fullmatch(rf"{key}=\S+", text))
        if others:
            yield ast.Constant(others[0])


KINDS: dict[str, Callable[[ast.expr, bool, ast.AST], Iterator[ast.expr]]] = {
    "sign": _sign,
    "dropped": _dropped,
    "comparison": _comparison,
    "condition": _condition,
    "axis": _axis,
    "constant": _constant,
    "arguments": _arguments,
    "seed": _seed,
    "direction": _direction,
    "strings": _strings,
}
