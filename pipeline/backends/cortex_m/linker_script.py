"""The linker script of a firmware."""

from pipeline.backends.cortex_m.c_source import render
from pipeline.backends.cortex_m.machines import Placement
from pipeline.backends.cortex_m.placement import ALIGNMENT

#: Stack that the linker reserves. An inference takes a few hundred bytes; the evaluation and faults a little more.
STACK_BYTES = 4096


def emit_linker_script(target_name: str, placement: Placement) -> str:
    """Generate the linker script: exactly the target's memories, so that the linker refuses what does not fit."""
    memory = placement.memory
    values = {
        "target": target_name,
        "regions": memory.regions,
        "place": memory.place,
        "constant": {"flash", memory.place.weights},
        "stack_bytes": STACK_BYTES,
        "alignment": ALIGNMENT,
    }
    return render("model.ld.j2", values)
