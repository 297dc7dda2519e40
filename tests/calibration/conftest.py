import pytest

import calibration.distillation
import calibration.equalisation
import calibration.impressions
import calibration.rounding
import calibration.statistics


@pytest.fixture(scope="package", autouse=True)
def _small_searches():
    """Toy networks need no long searches; what they are searched for is tested all the same."""
    patch = pytest.MonkeyPatch()
    patch.setattr(calibration.equalisation, "ITERATIONS", 60)
    patch.setattr(calibration.equalisation, "LEARNING_RATE", 0.2)
    patch.setattr(calibration.distillation, "STEPS", 6)
    patch.setattr(calibration.impressions, "STEPS", 4)
    patch.setattr(calibration.rounding, "SCALE_FACTORS", (1.0, 0.95, 0.9, 0.85))
    patch.setattr(calibration.statistics, "SAMPLES", 2048)
    yield
    patch.undo()
