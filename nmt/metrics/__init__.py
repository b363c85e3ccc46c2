"""Scores of translations, all computed by sacreBLEU.

measure.py scores translations and decides which of two models is better; buckets.py scores parts of a test set;
rare.py scores numbers, names and unseen words; comparison.py tests for significance; published.py reads published
test sets. config.py loads nothing, so translating does not need sacreBLEU.
"""
