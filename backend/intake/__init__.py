"""Actions in: from partners' files to accepted acts, grams and points.
"""
