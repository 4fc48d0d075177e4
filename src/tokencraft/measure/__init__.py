"""A vocabulary and some data make numbers: which vocabulary suits these texts, and by how much."""

from tokencraft.measure.efficiency import Efficiency
from tokencraft.measure.efficiency_row import EfficiencyRow
from tokencraft.measure.measurement import Measurement
from tokencraft.measure.page import efficiency_page

__all__ = ["Efficiency", "EfficiencyRow", "Measurement", "efficiency_page"]
