"""Scores: sacreBLEU, and nothing else that scores.

measure.py scores translations, and says which of two models is better; buckets.py scores parts of a test set;
rare.py scores numbers, names and unseen words; comparison.py tells a difference from chance; published.py reads
published test sets. config.py loads nothing, so that translating needs no sacreBLEU.
"""
