"""What a network did with one picture, from the numbers of its pixels to its answer.

Pure functions of a network and a batch of one; a page that shows what they found.
"""
