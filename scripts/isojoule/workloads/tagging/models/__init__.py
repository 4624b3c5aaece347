"""The four families of networks for audio tagging (Douwes and Serizel, DCASE 2024, section 3 and table 1).

Every network takes (batch, 1, n_mels, n_frames) and returns logits (batch, n_classes). Each family has a module of its
own, so that a change of one family measures no other again.
"""
