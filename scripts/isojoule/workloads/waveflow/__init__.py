"""Generation of speech from its mel spectrogram by WaveFlow (Douwes et al., ICASSP 2021, section 5)."""
