"""Explain how a network classified one picture, from the pixels to the scores.

Pure functions of a network and a batch of one picture, and the page that shows their results.
"""
