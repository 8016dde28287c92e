"""The text of the bundled sample: sentences, words, topics, authors, and the stream of events made of them.

Everything is written for this package and drawn from one seed; people, laboratories and models are invented. The
sentences are in two sets that share none: `learnt_*.py` and `judged_*.py`. Each author draws from one set only.
"""
