"""Small wrong changes of a module, one at a time: what a test suite has to notice.

Owns which changes are made, and which are not worth making. Knows nothing of tests.
"""

from __future__ import annotations

from dataclasses import dataclass

import libcst as cst
from libcst.metadata import ByteSpanPositionProvider, MetadataWrapper
from mutmut.mutation.mutators import mutation_operators


@dataclass(frozen=True)
class Mutant:
    """One changed module.

    :ivar module: the module's name below the package, with dots
    :ivar function: qualified name of the function or class that was changed; ``<module>`` outside of any
    :ivar before: the lines that changed, without what surrounds them
    :ivar after: what they became
    :ivar source: the whole changed module
    """

    module: str
    function: str
    before: str
    after: str
    source: str

    @property
    def key(self):
        """What names it in a list; a change elsewhere in the module does not make it another one."""
        return (self.module, self.function, self.before, self.after)


def mutants_of(module, source):
    """Return every mutant of `source`, the text of `module`, in the order of the text."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    spans = wrapper.resolve(ByteSpanPositionProvider)
    changes = _Changes()
    wrapper.module.visit(changes)
    found = {}
    for function, old, new in changes.found:
        changed = _replaced(wrapper.module, source.encode(), old, new, spans.get(old))
        if changed != source and changed not in found:
            found[changed] = Mutant(module, function, *_difference(source, changed), changed)
    return list(found.values())


def _replaced(tree, source, old, new, span):
    """Return the text with one node replaced: within the text where that is possible, since it is much faster."""
    if span is not None:
        end = span.start + span.length
        if tree.code_for_node(old).strip().encode() == source[span.start : end]:
            return (source[: span.start] + tree.code_for_node(new).strip().encode() + source[end:]).decode()
    return tree.deep_replace(old, new).code


class _Changes(cst.CSTVisitor):
    """Collects (function, node, replacement): mutmut's operators, and two that it lacks.

    mutmut itself leaves alone what has a decorator and what stands outside of functions; that is a third of this
    library: properties, context managers, guarded methods, tables.
    """

    def __init__(self):
        super().__init__()
        self.found = []
        self._inside = []

    def on_visit(self, node):
        if _unmutable(node):
            return False
        if isinstance(node, cst.Call) and _called(node) == "cast":
            node.args[1].visit(self)  # the type says nothing at run time
            return False
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self._inside.append(node.name.value)
        for kind, operator in (*mutation_operators, *_OPERATORS):
            if isinstance(node, kind):
                news = [new for new in operator(node) if _worth_trying(node, new)]
                if isinstance(node, cst.SimpleString):
                    news = news[:1]  # the others differ in upper and lower case
                self.found += [(".".join(self._inside) or "<module>", node, new) for new in news]
        return True

    def on_leave(self, node):
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            self._inside.pop()


def _unmutable(node):
    """Tell what means nothing to the running program, or would be a test that repeats the text of the code."""
    if isinstance(node, cst.Annotation):
        return True
    if isinstance(node, cst.If):
        return isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"
    if isinstance(node, cst.AnnAssign):
        return isinstance(node.annotation.annotation, cst.Name) and node.annotation.annotation.value == "TypeAlias"
    if isinstance(node, cst.Assign):
        target = node.targets[0].target
        public = isinstance(target, cst.Name) and target.value == "__all__"
        return public or (isinstance(node.value, cst.Call) and _called(node.value) in {"TypeVar", "ParamSpec"})
    # Sentences for people: what they have to say is tested, not how.
    return isinstance(node, cst.SimpleString) and any(map(str.isspace, node.raw_value))


def _worth_trying(node, new):
    """Tell that a call has not lost a positional argument: that raises TypeError, so any call would notice."""
    if not (isinstance(node, cst.Call) and isinstance(new, cst.Call)) or len(node.args) == len(new.args):
        return True
    return sum(each.keyword is None for each in node.args) == sum(each.keyword is None for each in new.args)


def _called(call):
    return call.func.value if isinstance(call.func, cst.Name) else None


def _no_statement(node):
    if isinstance(node.value, cst.Call):
        yield cst.Pass()


def _no_result(node):
    if node.value is not None and not (isinstance(node.value, cst.Name) and node.value.value == "None"):
        yield cst.Return()


_OPERATORS = ((cst.Expr, _no_statement), (cst.Return, _no_result))


def _difference(source, changed):
    """Return the lines that differ, which are next to each other: one node was changed."""
    old, new = source.splitlines(), changed.splitlines()
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    return tuple("\n".join(line.strip() for line in lines[start : len(lines) - end]) for lines in (old, new))


def _common(one, other):
    """Count the lines with which both begin."""
    return next(
        (number for number, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        min(len(one), len(other)),
    )
