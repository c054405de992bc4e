"""Networks and what surrounds them: training, proof, thresholds, exported engines and heat maps.

Numpy arrays in and out; this package knows no database, no workflow and no plot files.
TensorFlow is imported only where a network is built, trained or exported; judging needs ``engine`` and ``maps`` alone.
"""
