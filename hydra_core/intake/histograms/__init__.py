"""Histograms as numbers: read from ROOT and HDF5 in a limited process, differenced, drawn always the same way."""
