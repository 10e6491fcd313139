"""Synthetic cohorts with a known truth, on which everything is tried."""

from __future__ import annotations

from radnb.cohort.synth.cohort import pancreas, truth

SYNTH = {"pancreas": pancreas}

__all__ = ["SYNTH", "pancreas", "truth"]
