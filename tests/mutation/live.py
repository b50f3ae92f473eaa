"""Putting a mutant into a running process: into the functions that are there, or by importing the package again.

Knows nothing of tests, and not what a mutant changes.
"""

from __future__ import annotations

import gc
import importlib.abc
import importlib.machinery
import inspect
import sys
import types

PACKAGE = "requests_zohorecruit"


class Functions:
    """The functions of the package that exist in this process, by where their code stands."""

    def __init__(self):
        self._found = {}
        for each in gc.get_objects():
            if isinstance(each, types.FunctionType) and f"/{PACKAGE}/" in each.__code__.co_filename:
                self._found.setdefault(place(each.__code__), []).append(each)

    def patches(self, original, changed):
        """Return [(function, code)] that turn one module's code into the other's; None if importing is needed."""
        patches = []
        for old, new in _pairs(original, changed):
            if not old.co_flags & inspect.CO_OPTIMIZED:
                if _bare(old) != _bare(new):
                    return None  # the body of a module or a class has run already
            elif old != new:  # also if only what it contains differs: it will make that again
                if len(old.co_freevars) != len(new.co_freevars):
                    return None
                patches += [(function, new) for function in self._found.get(place(old), ())]
        return patches


def place(code):
    """Return what identifies a function whoever compiled it."""
    return code.co_filename, code.co_firstlineno, code.co_qualname


def codes(code):
    """Return the code objects of functions and classes in `code`, and itself."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from codes(inner)


def _pairs(original, changed):
    old, new = list(codes(original)), list(codes(changed))
    if len(old) != len(new):  # a lambda more or less; whoever contains it differs, too
        return [(original, changed)]
    return list(zip(old, new, strict=True))


def _bare(code):
    """Return what a code object is, but for those inside it, and for where its lines stand."""
    constants = tuple((type(each), repr(each)) for each in code.co_consts if not isinstance(each, types.CodeType))
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_flags, code.co_exceptiontable


def imported_anew(module, code, also):
    """Forget the package, and whatever `also` names of sys.modules, so that `module` comes back with this code."""
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE or also(name)]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Finder(f"{PACKAGE}.{module}", code))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, name, code):
        self._name, self._code = name, code

    def find_spec(self, name, path, target=None):
        if name != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        spec.loader = _Loader(name, spec.origin, self._code)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, path, code):
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname):
        return self._code
