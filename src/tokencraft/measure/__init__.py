"""A vocabulary and some data make numbers: which vocabulary suits these texts, and by how much."""

from tokencraft.measure.boundaries import Boundaries, boundaries_of, token_cuts
from tokencraft.measure.boundary_stability import BoundaryStability, StabilityRow
from tokencraft.measure.efficiency import Efficiency
from tokencraft.measure.efficiency_row import EfficiencyRow
from tokencraft.measure.integrity_row import IntegrityRow, Unit
from tokencraft.measure.linguistic_integrity import LinguisticIntegrity
from tokencraft.measure.measurement import Measurement
from tokencraft.measure.noise import NoiseModel, Noisy, OCRNoise
from tokencraft.measure.page import efficiency_page
from tokencraft.measure.terms import length_histogram, tokens_per_term

__all__ = [
    "Boundaries",
    "BoundaryStability",
    "Efficiency",
    "EfficiencyRow",
    "IntegrityRow",
    "LinguisticIntegrity",
    "Measurement",
    "NoiseModel",
    "Noisy",
    "OCRNoise",
    "StabilityRow",
    "Unit",
    "boundaries_of",
    "efficiency_page",
    "length_histogram",
    "token_cuts",
    "tokens_per_term",
]
