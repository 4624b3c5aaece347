"""Link compute to energy: what FLOPs, parameters, bytes and utilisation say of measured energy.

After Douwes and Serizel, "From Computation to Consumption", DCASE 2024.
"""
