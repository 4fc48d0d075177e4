"""A vocabulary and some data make numbers: which vocabulary suits these texts, and by how much."""

from tokencraft.measure import mixture_baselines
from tokencraft.measure.addition_answers import AnswerErrors, ParsedAnswer, answer_errors, parse_answer
from tokencraft.measure.addition_bench import AdditionBench, Prompt, QueryFormat
from tokencraft.measure.addition_problems import Addition, by_operand_lengths, by_triples
from tokencraft.measure.addition_scores import AccuracyRow, AdditionScores, AnswerRow
from tokencraft.measure.answer_confidence import Confidence, GroupRanks, confidence, group_ranks
from tokencraft.measure.arithmetic_tokenization import ArithmeticTokenization
from tokencraft.measure.boundaries import Boundaries, boundaries_of, token_cuts
from tokencraft.measure.boundary_stability import BoundaryStability, StabilityRow
from tokencraft.measure.causal_answerer import CausalAnswerer, ModelAnswer, TokenChoice
from tokencraft.measure.correlation import correlations
from tokencraft.measure.description_length import DescriptionLength, DescriptionRow, code_length
from tokencraft.measure.efficiency import Efficiency
from tokencraft.measure.efficiency_row import EfficiencyRow
from tokencraft.measure.integrity_row import IntegrityRow, Unit
from tokencraft.measure.linguistic_integrity import LinguisticIntegrity
from tokencraft.measure.measurement import Measurement
from tokencraft.measure.merge_list import MergeList, read_merges
from tokencraft.measure.mixture_inference import MixtureInference
from tokencraft.measure.mixture_program import MixtureProgram
from tokencraft.measure.mixture_report import MixtureMeasurement, MixtureReport, MixtureRow
from tokencraft.measure.morpheme_segmentation import (
    MorphemeSegmentation,
    SegmentationRow,
    by_category,
    score_segmentation,
)
from tokencraft.measure.noise import NoiseModel, Noisy, OCRNoise
from tokencraft.measure.number_row import NumberRow
from tokencraft.measure.page import efficiency_page
from tokencraft.measure.pair_history import PairHistory, SampleSize, Words, read_published, replay
from tokencraft.measure.parallel_texts import read_parallel
from tokencraft.measure.premium_page import premium_page, premium_tiles, widest
from tokencraft.measure.premiums import PremiumRow, Premiums, premium_summary
from tokencraft.measure.terms import length_histogram, tokens_per_term
from tokencraft.measure.turkish_mmlu import tr_mmlu_text

__all__ = [
    "AccuracyRow",
    "Addition",
    "AdditionBench",
    "AdditionScores",
    "AnswerErrors",
    "AnswerRow",
    "ArithmeticTokenization",
    "Boundaries",
    "BoundaryStability",
    "CausalAnswerer",
    "Confidence",
    "DescriptionLength",
    "DescriptionRow",
    "Efficiency",
    "EfficiencyRow",
    "GroupRanks",
    "IntegrityRow",
    "LinguisticIntegrity",
    "Measurement",
    "MergeList",
    "MixtureInference",
    "MixtureMeasurement",
    "MixtureProgram",
    "MixtureReport",
    "MixtureRow",
    "ModelAnswer",
    "MorphemeSegmentation",
    "NoiseModel",
    "Noisy",
    "NumberRow",
    "OCRNoise",
    "PairHistory",
    "ParsedAnswer",
    "PremiumRow",
    "Premiums",
    "Prompt",
    "QueryFormat",
    "SampleSize",
    "SegmentationRow",
    "StabilityRow",
    "TokenChoice",
    "Unit",
    "Words",
    "answer_errors",
    "boundaries_of",
    "by_category",
    "by_operand_lengths",
    "by_triples",
    "code_length",
    "confidence",
    "correlations",
    "efficiency_page",
    "group_ranks",
    "length_histogram",
    "mixture_baselines",
    "parse_answer",
    "premium_page",
    "premium_summary",
    "premium_tiles",
    "read_merges",
    "read_parallel",
    "read_published",
    "replay",
    "score_segmentation",
    "token_cuts",
    "tokens_per_term",
    "tr_mmlu_text",
    "widest",
]
