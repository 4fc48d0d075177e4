"""The main job: fit a vocabulary to a corpus, move a model onto it, heal the model, and report what that saved."""

from tokencraft.adapt.options import AdaptOptions
from tokencraft.adapt.pipeline import adapt
from tokencraft.adapt.stage import StageEvent

__all__ = ["AdaptOptions", "StageEvent", "adapt"]
