"""Which mechanical changes of a loss there are: each operator says what a node of its syntax tree may become."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import deepcopy

#: Every operator by name: ``operator(node)`` yields the nodes that may stand in its place.
OPERATORS: dict[str, Callable[[ast.AST], Iterator[ast.AST]]] = {}

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}  # fmt: skip
EXTREMES = {
    "amax": "amin", "amin": "amax", "maximum": "minimum", "minimum": "maximum", "argmax": "argmin", "any": "all",
}  # fmt: skip
FUNCTIONS = {"log1p": "log", "log": "log1p", "exp": "expm1", "sqrt": "square", "square": "sqrt"}
#: Methods and functions of one number that may be left out.
UNARY = ("abs", "square", "sqrt", "exp", "log", "log1p")
#: Functions of two arguments in either order.
COMMUTATIVE = ("promote_types", "maximum", "minimum")
#: Methods whose arguments are dimensions.
DIMENSIONS = ("sum", "amax", "argmax", "unsqueeze", "squeeze", "any", "cumprod", "gather", "movedim", "unbind")


def operator(change: Callable) -> Callable:
    """Register an operator under its name."""
    OPERATORS[change.__name__] = change
    return change


def called(node: ast.AST) -> str | None:
    """The last name of what a call calls."""
    if not isinstance(node, ast.Call):
        return None
    return getattr(node.func, "attr", getattr(node.func, "id", None))


def with_(node, **fields):
    """A copy of a node with other fields."""
    new = deepcopy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def is_where(node) -> bool:
    return called(node) == "where" and len(node.args) == 3


def is_minus_one(node) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and getattr(node.operand, "value", 0) == 1


def on_torch(node: ast.Call) -> bool:
    """Whether ``torch.f(x)`` is called, and not ``x.f()``."""
    return isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", None) in ("torch", "math")


@operator
def swap_sign(node):
    """a + b for a - b, the other way round, and x for -x."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield with_(node, op=ast.Sub() if isinstance(node.op, ast.Add) else ast.Add())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not is_minus_one(node):
        yield node.operand


@operator
def swap_factor(node):
    """a * b for a / b, and the other way round."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield with_(node, op=ast.Div() if isinstance(node.op, ast.Mult) else ast.Mult())


@operator
def swap_operands(node):
    """b - a for a - b, b / a for a / b, f(b, a) for f(a, b)."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Div):
        yield with_(node, left=node.right, right=node.left)
    elif isinstance(node, ast.Call) and len(node.args) > 1 and not is_where(node) and called(node) not in COMMUTATIVE:
        yield with_(node, args=[node.args[1], node.args[0], *node.args[2:]])


@operator
def drop_operand(node):
    """One side of a sum, difference, product or quotient alone."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        yield from (node.left, node.right)


@operator
def change_constant(node):
    """Twice a fraction, one more than an integer, one for nought, false for true."""
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield ast.Constant(2 * node.value or 1.0)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(node.value + 1)


@operator
def change_comparison(node):
    """< for <=, > for <, != for ==, and the like."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield from (with_(node, ops=[other()]) for other in COMPARISONS.get(type(node.ops[0]), ()))


@operator
def change_axis(node):
    """The first dimension for the last one, and the other way round."""
    if called(node) not in DIMENSIONS:
        return
    for i, argument in enumerate(node.args):
        first = isinstance(argument, ast.Constant) and argument.value == 0
        if first or is_minus_one(argument):
            other = ast.UnaryOp(ast.USub(), ast.Constant(1)) if first else ast.Constant(0)
            yield with_(node, args=[*node.args[:i], other, *node.args[i + 1 :]])


@operator
def drop_clamp(node):
    """What is clamped, or either side of a maximum or minimum."""
    if called(node) == "clamp":
        yield node.func.value
    elif called(node) in ("maximum", "minimum"):
        yield from node.args


@operator
def swap_extreme(node):
    """The largest for the smallest, any for all, a ceiling for a floor."""
    if called(node) in EXTREMES:
        yield with_(node, func=with_(node.func, attr=EXTREMES[called(node)]))
    elif called(node) == "clamp":
        keywords = [with_(k, arg="max" if k.arg == "min" else "min") for k in node.keywords]
        yield with_(node, keywords=keywords)


@operator
def detach(node):
    """A term or factor through which no gradient flows."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.Div):
        for side in ("left", "right"):
            operand = getattr(node, side)
            if isinstance(operand, ast.Name | ast.Call | ast.BinOp) and called(operand) != "numel":
                free = ast.Call(ast.Attribute(deepcopy(operand), "detach", ast.Load()), [], [])
                yield with_(node, **{side: free})


@operator
def change_accumulator(node):
    """A mean for a sum, a sum in another format, intermediates in the input's own."""
    if called(node) == "sum":
        yield with_(node, func=with_(node.func, attr="mean"))
        for dtype in ("float32", "float16"):
            kind = ast.keyword("dtype", ast.Attribute(ast.Name("torch", ast.Load()), dtype, ast.Load()))
            yield with_(node, keywords=[*node.keywords, kind])
    elif called(node) == "promote_types":
        yield from node.args


@operator
def skip_mask(node):
    """Either branch of a where for all, either side of a conjunction alone, a mask for its complement."""
    if is_where(node):
        yield from node.args[1:]
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield from (node.left, node.right)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Invert):
        yield node.operand


@operator
def swap_branches(node):
    """b for a and a for b in where(c, a, b) and in a conditional expression."""
    if is_where(node):
        yield with_(node, args=[node.args[0], node.args[2], node.args[1]])
    elif isinstance(node, ast.IfExp):
        yield with_(node, body=node.orelse, orelse=node.body)


@operator
def change_function(node):
    """log for log1p, expm1 for exp, and the like."""
    if called(node) in FUNCTIONS and isinstance(node.func, ast.Attribute):
        yield with_(node, func=with_(node.func, attr=FUNCTIONS[called(node)]))


@operator
def drop_function(node):
    """x for f(x)."""
    if called(node) in UNARY:
        yield node.args[0] if on_torch(node) else node.func.value


@operator
def skip_branch(node):
    """A conditional statement that is never, or always, or otherwise, carried out."""
    if isinstance(node, ast.If):
        yield with_(node, test=ast.Constant(False))
        yield with_(node, test=ast.Constant(True))
