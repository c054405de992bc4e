"""Planted detector failures and the demo experiment.

Bin contents come first and are drawn by `hydra_core.intake.histograms.draw`, so a fault is known in numbers and in
pixels. Everything is a pure function of seed, plot type, run and chunk; `hydra_core.emulate.write` alone writes files.
"""
