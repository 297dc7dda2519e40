"""What kind of work an instruction does, by its mnemonic alone.

An opcode says what an instruction does, not what for: an `add` may be an address, a loop counter or a sum. So
`arithmetic` is whatever is left of the scalar and vector arithmetic after multiplying and requantising.
"""

import re
from typing import Literal, get_args

#: multiply: products of codes and weights, most of them added to an accumulator in the same instruction.
#: load, store: registers from and to memory, the stack included.
#: widen: from bytes to halfwords or words and back, fields put together.
#: requantise: high products, shifts to the right, saturation.
#: arithmetic: sums, differences, comparisons, logic, shifts to the left: addresses, loop counters, sums.
#: branch: jumps, calls, loops, and what makes the next instructions conditional.
#: move: between registers, and constants into them.
Class = Literal["multiply", "load", "store", "widen", "requantise", "arithmetic", "branch", "move", "other"]
CLASSES: tuple[Class, ...] = get_args(Class)

#: The first pattern that matches the beginning of a mnemonic decides.
_PATTERNS: tuple[tuple[Class, str], ...] = (
    ("requantise", r"smull|smlal(?![bdt])|umull|umlal|smmul|smml|asr|lsrl|sqr?sh|uqr?sh|[su]rshr"),
    ("requantise", r"[su]sat|q(add|sub|dadd|dsub)|vq(r?d)|vq(add|sub|movu?n|r?shr?u?[ln]|neg|abs)|vr?sh(r|l(?!l)|rn)"),
    ("requantise", r"v(max|min)|vrmulh|vmulh"),
    ("multiply", r"mla|mul|sml[as]|smu[als]|smlal[bdt]|vr?ml[as]|vmul|vfm[as]"),
    ("widen", r"[su]xt|pkh|bf[ci]|[su]bfx|rev|vmov[ln][bt]|vshll|vrev"),
    ("load", r"ldr|ldm|pop|vld|vpop|pld"),
    ("store", r"str(?!ex)|stm|push|vst|vpush"),
    ("branch", r"b(l|x|lx)?(eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|hs|lo|xns|lxns)?$|cbn?z|it[te]*$|tb[bh]|bkpt"),
    ("branch", r"dls|wls|le(tp)?$|lctp|vpst|vpt|vctp|vpnot"),
    ("move", r"mov|mvn|vmov|vmvn|vdup|vmrs|vmsr|vpsel|cs(el|et|in[cv]|neg)|c(inc|inv|neg)"),
    ("arithmetic", r"ad[cdr]|sub|sbc|rsb|neg|cmp|cmn|tst|teq|and|orr|orn|eor|bic|ls[lr]|ror|rrx|mls|[su]div|clz"),
    ("arithmetic", r"v(add|sub|hadd|hsub|abs|neg|and|orr|orn|eor|bic|cmp|idup|ddup|iwdup|dwdup|clz)|[su]s?add(8|16)"),
)
_LANE_BITS = re.compile(r"\.[a-z]*(8|16|32)$")


def classify(mnemonic: str) -> Class:
    """The class of an instruction.

    Args:
        mnemonic: as objdump writes it, such as ``ldrsb.w`` or ``vmladavat.s8``.
    """
    stem = mnemonic.partition(".")[0]
    return next((name for name, pattern in _PATTERNS if re.match(pattern, stem)), "other")


def products(mnemonic: str) -> int:
    """How many products an instruction of class `multiply` makes, those of padding and idle lanes included."""
    stem = mnemonic.partition(".")[0]
    if lanes := _LANE_BITS.search(mnemonic) if stem.startswith("v") else None:
        return 128 // int(lanes[1])
    return 2 if re.match(r"sm(la|ls|ua|us)d|smlald|smlsld", stem) else 1
