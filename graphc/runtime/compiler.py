"""Kernel text to object code, through numba.

numba's own ``njit`` spends most of a kernel's compile time on what kernels have no use for:
wrappers, arrays, reference counts, loading scipy.  This module runs the few numba passes that
matter, on a target that knows numbers, pointers and the functions of `kernel_prelude` only, and
lets LLVM optimise once.
"""

from __future__ import annotations

import operator
from functools import cache
from types import FunctionType
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import compiler, cpu, fastmathpass, funcdesc, imputils, lowering, types, typing
from numba.core import typed_passes as typed
from numba.core import untyped_passes as untyped
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import LoweringPass, PassManager, register_pass
from numba.core.cpu_options import FastMathOptions
from numba.core.datamodel import models, register_default
from numba.core.ir_utils import build_definitions
from numba.core.ssa import reconstruct_ssa
from numba.core.transforms import canonicalize_cfg
from numba.core.typing import templates

from graphc.runtime import intmath, kernel_prelude, native, tiles

RAISED = 255  # what a kernel returns that raised in Python's sense; generated kernels never do


# --- types ----------------------------------------------------------------------------------------


class Memory(types.CPointer):
    """A pointer to elements; pointers of different scopes never overlap (None: not known)."""

    def __init__(self, element: types.Type, scope: int | None) -> None:
        self.scope = scope
        super().__init__(element)
        self.name = f"{element}*{'' if scope is None else scope}"

    @property
    def key(self) -> Any:
        return self.dtype, self.scope


register_default(Memory)(models.PointerModel)


def numba_type(short: str) -> types.Type:
    """The numba type for one of `native`'s short names."""
    if short == "void":
        return types.void
    if short.startswith("p_"):
        return Memory(numba_type(short[2:]), None)
    names = {"f": "float", "i": "int", "u": "uint", "c": "complex"}
    return types.boolean if short == "b1" else getattr(types, names[short[0]] + short[1:])


# --- the target: what may be written in a kernel --------------------------------------------------

_typing_rules = templates.Registry()
_lowering_rules = imputils.Registry("graphc")


def _declare(name: Any, function: native.Native) -> None:
    """Let ``name``, an object that kernels see as a global, mean a native function."""
    cases = []
    for parameters, (result, build) in function.cases.items():
        signature = typing.signature(numba_type(result), *map(numba_type, parameters))
        cases.append(signature)
        _lowering_rules.lower(name, *signature.args)(_in_line(build))
    template = type("Case", (templates.ConcreteTemplate,), {"key": name, "cases": cases})
    _typing_rules.register_global(name, types.Function(template))


def _in_line(build: native.Build) -> Any:
    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        value = build(builder, *args)
        return context.get_dummy_value() if value is None else value

    return lower


def _declare_buffer(function: native.Native) -> None:
    """``buf_f32(address, scope)``: the scope is a literal and becomes part of the type."""
    element = numba_type(function.name.removeprefix("buf_"))

    def generic(self: Any, args: Any, kws: Any) -> Any:
        address, scope = args
        if isinstance(scope, types.IntegerLiteral):
            return typing.signature(Memory(element, scope.literal_value), types.int64, scope)
        return None

    members = {"key": function, "prefer_literal": True, "generic": generic}
    template = type("Scoped", (templates.AbstractTemplate,), members)
    _typing_rules.register_global(function, types.Function(template))

    @_lowering_rules.lower(function, types.int64, types.Integer)
    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))


def _declare_tile(function: native.Native) -> None:
    """``tile_f32(rows, vectors, ...)``: the first two are literals, for which code is made."""
    short, count = function.name.removeprefix("tile_"), len(tiles.PARAMETERS)

    def generic(self: Any, args: Any, kws: Any) -> Any:
        if all(isinstance(a, types.IntegerLiteral) for a in args[:2]):
            return typing.signature(types.void, *args[:2], *[types.int64] * count)
        return None

    members = {"key": function, "prefer_literal": True, "generic": generic}
    template = type("Tile", (templates.AbstractTemplate,), members)
    _typing_rules.register_global(function, types.Function(template))

    @_lowering_rules.lower(function, types.Integer, types.Integer, *[types.int64] * count)
    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        rows, vectors = (a.literal_value for a in signature.args[:2])
        tiles.build(short, rows, vectors)(builder, *args[2:])
        return context.get_dummy_value()


def _element_address(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    index = context.cast(builder, args[1], signature.args[1], types.intp)
    return builder.gep(args[0], [index])


@_lowering_rules.lower(operator.getitem, Memory, types.Integer)
def _load(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    value = builder.load(_element_address(context, builder, signature, args))
    _tag(builder.module, value, signature.args[0].scope)
    if signature.return_type is types.boolean:
        return builder.icmp_unsigned("!=", value, value.type(0))
    return value


@_lowering_rules.lower(operator.setitem, Memory, types.Integer, types.Any)
def _store(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    memory, _, kind = signature.args
    value = context.cast(builder, args[2], kind, memory.dtype)
    if memory.dtype is types.boolean:
        value = builder.zext(value, ir.IntType(8))
    stored = builder.store(value, _element_address(context, builder, signature, args))
    _tag(builder.module, stored, memory.scope)
    return context.get_dummy_value()


def _tag(module: Any, access: Any, scope: int | None) -> None:
    """Note in which scope an access lies, for `_tell_scopes`."""
    if scope is not None:
        if not hasattr(module, "graphc_accesses"):
            module.graphc_accesses = {}
        module.graphc_accesses.setdefault(scope, []).append(access)


def _tell_scopes(module: Any) -> None:
    """Tell LLVM which other accesses each one cannot overlap: those of other scopes."""
    accesses = getattr(module, "graphc_accesses", {})
    domain = module.add_metadata(["graphc"])
    scopes = {i: module.add_metadata([f"buffer {i}", domain]) for i in accesses}
    for i, found in accesses.items():
        own = module.add_metadata([scopes[i]])
        others = module.add_metadata([s for j, s in scopes.items() if j != i])
        for access in found:
            access.set_metadata("alias.scope", own)
            access.set_metadata("noalias", others)


class _Typing(typing.Context):
    """What numba's type inference knows: numbers, pointers, the prelude."""

    def _load_builtins(self) -> None:
        self._known: dict[Any, Any] = {}
        self.install_registry(_builtin_rules())

    def load_additional_registries(self) -> None:
        self.install_registry(_typing_rules)

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        """What a call is, found out once for all kernels: the rules never change."""
        key = func, tuple(args), tuple(kws.items() if isinstance(kws, dict) else kws)
        found = self._known.get(key)
        if found is None:
            found = super().resolve_function_type(func, args, kws)
            if found is not None:
                self._known[key] = found
        return found


@cache
def _builtin_rules() -> templates.Registry:
    """numba's rules for Python's own operators and functions; installing all would load scipy."""
    from numba.core.typing import builtins

    def own(rule: Any) -> bool:
        return any(base.__module__ == builtins.__name__ for base in rule.__mro__)

    replaced = {id(value) for value, _ in _typing_rules.globals}
    rules, everything = templates.Registry(), templates.builtin_registry
    rules.functions += filter(own, everything.functions)
    rules.attributes += filter(own, everything.attributes)
    rules.globals += [
        (value, kind) for value, kind in everything.globals
        if isinstance(kind, types.Function) and all(map(own, kind.templates))
        and id(value) not in replaced
    ]  # fmt: skip
    return rules


class _Target(cpu.CPUContext):
    """How numba turns that into LLVM code."""

    def load_additional_registries(self) -> None:
        from numba.core import optional  # noqa: F401  # these register themselves
        from numba.cpython import builtins, numbers, rangeobj, tupleobj  # noqa: F401

        self.install_registry(_lowering_rules)

    def post_lowering(self, module: Any, library: Any) -> None:
        """Let products and sums fuse; there is nothing to link, since kernels allocate nothing."""
        fastmathpass.rewrite_module(module, FastMathOptions(set(native.FLAGS)))


def _fill_rules() -> None:
    casts = {getattr(kernel_prelude, short): short for short in native.ELEMENTS}
    for cast, short in (casts | {int: "i64", float: "f64"}).items():
        _typing_rules.register_global(cast, types.NumberClass(numba_type(short)))
    for name, value in vars(kernel_prelude).items():
        if isinstance(value, native.Native) and name == value.name:
            if name.startswith("buf_"):
                _declare_buffer(value)
            elif name in tiles.TILES:
                _declare_tile(value)
            else:
                _declare(value, value)
    for name, value in intmath.PYTHONS.items():
        _declare(name, value)


_fill_rules()
_typing_context = _Typing()
_target_context = _Target(_typing_context, "cpu")


# --- the passes -----------------------------------------------------------------------------------


@register_pass(mutates_CFG=True, analysis_only=False)
class _ToLLVM(LoweringPass):
    """numba's lowering, without compiling the result: that is done here."""

    _name = "graphc_to_llvm"

    def __init__(self) -> None:
        super().__init__()

    def run_pass(self, state: Any) -> bool:
        target = state.targetctx
        library = target.codegen().create_library("kernel")
        modules: list[ir.Module] = []
        library.add_ir_module = modules.append
        function = funcdesc.PythonFunctionDescriptor.from_specialized_function(
            state.func_ir, state.typemap, state.return_type, state.calltypes,
            mangler=target.mangler, inline=False, noalias=False, abi_tags=[],
        )  # fmt: skip
        with target.push_code_library(library):
            lowering.Lower(
                target, library, function, state.func_ir, metadata=state.metadata
            ).lower()
        for module in modules:
            _tell_scopes(module)
        state.cr = function.llvm_func_name, modules
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _WithoutPhis(typed.PreLowerStripPhis):
    """numba's pass, without lifetimes: there is nothing to free at the end of one."""

    _name = "graphc_without_phis"

    def run_pass(self, state: Any) -> bool:
        state.func_ir = self._strip_phi_nodes(state.func_ir)
        return True


@register_pass(mutates_CFG=True, analysis_only=False)
class _SSA(untyped.ReconstructSSA):
    """numba's pass, without lifetimes."""

    _name = "graphc_ssa"

    def run_pass(self, state: Any) -> bool:
        state.func_ir.blocks = canonicalize_cfg(state.func_ir.blocks)
        state.func_ir = reconstruct_ssa(state.func_ir)
        state.func_ir._definitions = build_definitions(state.func_ir.blocks)
        return True


class _Pipeline(compiler.CompilerBase):
    """The passes that a kernel needs."""

    def define_pipelines(self) -> list[PassManager]:
        passes = (
            untyped.TranslateByteCode, untyped.FixupArgs, _SSA, typed.NopythonTypeInference,
            _WithoutPhis, _ToLLVM,
        )  # fmt: skip
        manager = PassManager("graphc")
        for step in passes:
            manager.add_pass(step, step.__name__)
        manager.finalize()
        return [manager]


def _flags() -> compiler.Flags:
    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.release_gil = flags.enable_ssa = True
    flags.error_model = "numpy"
    flags.fastmath = FastMathOptions(set(native.FLAGS))
    return flags


_ARGUMENTS = (Memory(types.int64, None), Memory(types.int64, None))


@global_compiler_lock
def _to_llvm(function: FunctionType, symbol: str) -> str:
    """LLVM code, not optimised, with ``int32 symbol(int64*, int64*)`` in it."""
    pipeline = _Pipeline(
        _typing_context, _target_context, None, _ARGUMENTS, types.int32, _flags(), {}
    )
    inner, modules = pipeline.compile_extra(function)
    for module in modules:
        for item in module.global_values:
            if not (isinstance(item, ir.Function) and item.is_declaration):
                item.linkage = "internal"
    few = "few" in function.__code__.co_names and native.has_avx512()
    _advise(modules[0], modules[0].get_global(inner), few)
    _add_entry(modules[0], inner, symbol)
    return "\n".join(map(str, modules))


LONG = 60  # float instructions of a loop that many iterations are interleaved from on
TOGETHER = 4  # iterations, of a vector each


def _advise(module: ir.Module, function: ir.Function, few: bool) -> None:
    """Tell LLVM about loops what it does not find out.

    Long loops should work on several vectors at a time: their instructions wait for one another (a
    polynomial is a chain of products), and a core sees too few of them ahead to start the next
    iteration: a chain of ten ops takes 1.7 times as long one vector at a time.

    Loops of ``few`` iterations should compute what is left after the last whole vector under a
    mask, not one by one: a softmax of 30 columns takes 2.2 times as long without.
    """
    place = {block: i for i, block in enumerate(function.blocks)}
    floats = [_float_instructions(block) for block in function.blocks]
    for end, block in enumerate(function.blocks):
        targets = block.terminator.operands if isinstance(block.terminator, ir.Branch) else ()
        starts = [place[t] for t in targets if place.get(t, end + 1) <= end]
        if not starts:
            continue
        if few:
            hint = ["llvm.loop.vectorize.predicate.enable", ir.Constant(ir.IntType(1), 1)]
        elif sum(floats[starts[0] : end + 1]) >= LONG:
            hint = ["llvm.loop.interleave.count", ir.Constant(ir.IntType(32), TOGETHER)]
        else:
            continue
        loop = module.add_metadata([f"loop {end}"])
        loop.operands = (loop, module.add_metadata(hint))  # such nodes name themselves first
        block.terminator.set_metadata("llvm.loop", loop)


def _float_instructions(block: ir.Block) -> int:
    return sum(i.opname in ("fadd", "fsub", "fmul", "fdiv") for i in block.instructions)


def _add_entry(module: ir.Module, inner: str, symbol: str) -> None:
    """The function that others call: from the plain calling convention to numba's."""
    called = module.get_global(inner)
    i32, i64p = ir.IntType(32), ir.IntType(64).as_pointer()
    entry = ir.Function(module, ir.FunctionType(i32, [i64p, i64p]), symbol)
    called.attributes.add("alwaysinline")
    builder = ir.IRBuilder(entry.append_basic_block("entry"))
    result, error = (builder.alloca(a.type.pointee) for a in called.args[:2])
    status = builder.call(called, [result, error, *entry.args])
    finished = builder.icmp_signed("==", status, i32(0))
    builder.ret(builder.select(finished, builder.load(result), i32(RAISED)))


# --- LLVM -----------------------------------------------------------------------------------------


def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple()
    if target.triple.startswith("x86_64"):
        # LLVM uses half of a 512-bit register on some machines; full ones were up to 1.8 times as
        # fast
        features += ",-prefer-256-bit"
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, reloc="pic", codemodel="default"
    )


_target_machine = _machine()


def _optimized(code: str) -> Any:
    module = llvm.parse_assembly(code)
    module.data_layout = str(_target_machine.target_data)
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = True
    builder = llvm.create_pass_builder(_target_machine, options)
    builder.getModulePassManager().run(module, builder)
    return module


def compile_kernel(function: FunctionType, symbol: str) -> bytes:
    """Object code with ``int32 symbol(int64* slots, int64* row)``."""
    return _target_machine.emit_object(_optimized(_to_llvm(function, symbol)))


def llvm_code(function: FunctionType) -> str:
    """The optimised LLVM code of a kernel, for people."""
    return str(_optimized(_to_llvm(function, "kernel")))


def assembly(function: FunctionType) -> str:
    """The machine instructions of a kernel, for people."""
    return _target_machine.emit_assembly(_optimized(_to_llvm(function, "kernel")))
