"""The instruction sets that the generated code is written for.

All of a convolution's arithmetic is one step: to `lanes` accumulators of 32 bits, one per output channel, the products
of four inputs with `4 x lanes` weights are added. Every instruction set here does this exactly; they differ in the type
of the activations and in the order of the packed weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from tvm.script.ir_builder import tirx as T

from pipeline.graph.ir import Int8Array

#: Inputs that one step takes.
GROUP = 4

Expression = Any  # tvm.tirx.Expr; TVM has no types that a checker could use
Buffer = Any
Pack: TypeAlias = Callable[[Int8Array], npt.NDArray[Any]]
Dot: TypeAlias = Callable[[Expression, Buffer, Expression, Buffer, Expression], Expression]


@dataclass(frozen=True)
class InstructionSet:
    """How one step is written.

    Attributes:
        name: as the target file has it.
        lanes: accumulators of one vector register.
        registers: vector registers that accumulators may take.
        activations: the type that the instructions read; uint8 codes are the graph's plus 128.
        weights: the type of the packed weights.
        llvm: TVM's description of the processor.
        cpu_flags: names in /proc/cpuinfo without which the code does not run (x86 only).
        pack: weights ``(groups, 4, lanes)`` of one block of output channels to the order in memory.
        dot: accumulator, activations and their offset, weights and their offset in; accumulator out.
    """

    name: str
    lanes: int
    registers: int
    activations: Literal["uint8", "int8"]
    weights: Literal["int8", "int16"]
    llvm: Mapping[str, Any]
    cpu_flags: frozenset[str]
    pack: Pack
    dot: Dot

    @property
    def machine(self) -> str:
        """The processor architecture, as Linux names it."""
        return str(self.llvm["mtriple"]).partition("-")[0]

    @property
    def offset(self) -> int:
        """What is added to the graph's codes and zero points."""
        return 128 if self.activations == "uint8" else 0


def _intrinsic(name: str, dtype: str, *arguments: Expression) -> Expression:
    return T.call_llvm_pure_intrin(T.llvm_lookup_intrinsic_id(name), *arguments, dtype=dtype)


def _word(buffer: Buffer, offset: Expression) -> Expression:
    """Four activations as one int32."""
    return T.reinterpret(buffer[T.ramp(offset, 1, GROUP)], dtype="int32")


def _pack_dot(weights: Int8Array) -> Int8Array:
    """Four weights of one output channel side by side, channel after channel."""
    return np.ascontiguousarray(weights.transpose(0, 2, 1))


def _pack_pairs(weights: Int8Array) -> Int8Array:
    """Two weights of one output channel side by side; first the first pairs of all channels, then the second."""
    groups, _, lanes = weights.shape
    return np.ascontiguousarray(weights.reshape(groups, 2, 2, lanes).transpose(0, 1, 3, 2))


def _pack_wide_pairs(weights: Int8Array) -> npt.NDArray[np.int16]:
    return _pack_pairs(weights).astype(np.int16)


def _vpdpbusd(total: Expression, x: Buffer, x_at: Expression, w: Buffer, w_at: Expression) -> Expression:
    inputs = T.reinterpret(T.broadcast(_word(x, x_at), 16), dtype="int8x64")
    return _intrinsic("llvm.x86.avx512.vpdpbusd.512", "int32x16", total, inputs, w[T.ramp(w_at, 1, 64)])


def _pmaddwd(total: Expression, x: Buffer, x_at: Expression, w: Buffer, w_at: Expression) -> Expression:
    """Eight lanes: inputs widened to 16 bits, so that no sum of two products saturates."""
    for pair in range(2):
        wide = T.cast(x[T.ramp(x_at + 2 * pair, 1, 2)], "int16x2")
        inputs = T.reinterpret(T.broadcast(T.reinterpret(wide, dtype="int32"), 8), dtype="int16x16")
        weights = w[T.ramp(w_at + 16 * pair, 1, 16)]
        total = total + _intrinsic("llvm.x86.avx2.pmadd.wd", "int32x8", inputs, weights)
    return total


def _sdot(total: Expression, x: Buffer, x_at: Expression, w: Buffer, w_at: Expression) -> Expression:
    inputs = T.reinterpret(T.broadcast(_word(x, x_at), 4), dtype="int8x16")
    return _intrinsic("llvm.aarch64.neon.sdot.v4i32.v16i8", "int32x4", total, inputs, w[T.ramp(w_at, 1, 16)])


def _smull(total: Expression, x: Buffer, x_at: Expression, w: Buffer, w_at: Expression) -> Expression:
    """SMULL, SMLAL, SADALP: the sum of two products fits 16 bits because no weight is -128 (packing sees to it)."""
    products = []
    for pair in range(2):
        halfword = T.reinterpret(x[T.ramp(x_at + 2 * pair, 1, 2)], dtype="int16")
        inputs = T.reinterpret(T.broadcast(halfword, 4), dtype="int8x8")
        weights = w[T.ramp(w_at + 8 * pair, 1, 8)]
        products.append(_intrinsic("llvm.aarch64.neon.smull.v8i16", "int16x8", inputs, weights))
    return total + _intrinsic("llvm.aarch64.neon.saddlp.v4i32.v8i16", "int32x4", products[0] + products[1])


def _llvm(machine: str, cpu: str) -> Mapping[str, Any]:
    return {"kind": "llvm", "mtriple": f"{machine}-linux-gnu", "mcpu": cpu, "num-cores": 1}


def _neon(name: str, cpu: str, registers: int, pack: Pack, dot: Dot) -> InstructionSet:
    """One of 64-bit Arm: vectors of four accumulators, signed codes."""
    return InstructionSet(
        name,
        lanes=4,
        registers=registers,
        activations="int8",
        weights="int8",
        llvm=_llvm("aarch64", cpu),
        cpu_flags=frozenset(),
        pack=pack,
        dot=dot,
    )


_ALL = (
    InstructionSet(
        "avx512-vnni",
        lanes=16,
        registers=28,
        activations="uint8",
        weights="int8",
        llvm=_llvm("x86_64", "icelake-server"),
        cpu_flags=frozenset({"avx512f", "avx512bw", "avx512vl", "avx512_vnni", "fma"}),
        pack=_pack_dot,
        dot=_vpdpbusd,
    ),
    InstructionSet(
        "avx2",
        lanes=8,
        registers=12,
        activations="uint8",
        weights="int16",
        llvm=_llvm("x86_64", "haswell"),
        cpu_flags=frozenset({"avx2", "fma"}),
        pack=_pack_wide_pairs,
        dot=_pmaddwd,
    ),
    _neon("neon-dotprod", "cortex-a76", registers=24, pack=_pack_dot, dot=_sdot),  # Cortex-A55, A76
    _neon("neon", "cortex-a72", registers=20, pack=_pack_pairs, dot=_smull),  # Cortex-A53, A72
)

#: By the name that a target file's `instruction_sets` gives.
INSTRUCTION_SETS = {each.name: each for each in _ALL}
