from xml.etree import ElementTree

from pipeline.report.quantisation_plots import quantisation_plots
from pipeline.report.schema import LayerNoise, QuantizeReport, Relu6Range

LAYERS = (
    LayerNoise(name="a", sqnr_db=30.0, weights_db=33.0, activations_db=34.0),
    LayerNoise(name="b <&>", sqnr_db=20.0, weights_db=None, activations_db=20.0),
    LayerNoise(name="c"),
)
RANGES = (Relu6Range(name="a", r=6.0, median=3.0, least=1.0), Relu6Range(name="b", r=2.5, median=2.0, least=0.5))


def test_the_worst_layer_is_named_and_the_ranges_are_told_in_words() -> None:
    noise, ranges = quantisation_plots(QuantizeReport(layers=LAYERS, relu6_ranges=RANGES))
    assert "for each of 3; most noise comes from b <&> (20.0" in noise.words
    assert ranges.words.startswith("Range r of 2 ReLU6 outputs, from 2.50 to 6.00; 1 reach the bound of 6.")
    for plot in (noise, ranges):
        assert ElementTree.fromstring(plot.svg).get("aria-label") == plot.words
    texts = "".join(ElementTree.fromstring(noise.svg).itertext())
    assert all(kind in texts for kind in ("weights alone", "output alone", "both"))


def test_what_is_not_known_is_not_drawn() -> None:
    assert quantisation_plots(None) == [] == quantisation_plots(QuantizeReport())
    assert quantisation_plots(QuantizeReport(layers=(LayerNoise(name="a"),))) == []
    (alone,) = quantisation_plots(QuantizeReport(relu6_ranges=RANGES))
    assert alone.title == "Ranges of ReLU6 outputs"


def test_the_same_numbers_give_the_same_drawing_and_no_identity_twice() -> None:
    report = QuantizeReport(layers=LAYERS, relu6_ranges=RANGES)
    first, second = quantisation_plots(report), quantisation_plots(report)
    assert [plot.svg for plot in first] == [plot.svg for plot in second]
    identities = [i for plot in first for e in ElementTree.fromstring(plot.svg).iter() if (i := e.get("id"))]
    assert identities and len(identities) == len(set(identities))
