"""A profile to test with: no numbers of any run."""

from pipeline.profile.results import LayerWork, Profile, Work


def layer(name: str, instructions: int, macs: int) -> LayerWork:
    """Half of its instructions multiply, the other half load."""
    half = instructions // 2
    return LayerWork(
        name=name,
        macs=macs,
        instructions=instructions,
        classes={"multiply": half, "load": instructions - half},
        products=2 * half,
        functions={"kernel": instructions},
    )


PROFILE = Profile(
    where="qemu-system somewhere",
    core="cortex-m4",
    kernels="portable",
    bound=2,
    layers=(layer("stem", 1000, 400), layer("large", 3000, 5000), layer("add", 700, 0)),
    runtime=Work(instructions=300, classes={"branch": 300}, products=0, functions={"sixfold_invoke": 300}),
    tools={"b": "1"},
)
