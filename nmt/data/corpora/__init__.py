"""Parallel text from any source as pairs of strings. Nothing is cleaned or encoded here.

A malformed line is reported by its file and number (readers.py), and `Corpus.malformed` decides what is done with it.
To add a kind of corpus, write a dataclass in a file of its own, a line of CORPORA, and a file of conf/data.
"""

from nmt.common.parts import Parts
from nmt.data.corpora.base import Corpus, MixConfig
from nmt.data.corpora.files import DemoCorpus, FileCorpus
from nmt.data.corpora.hub import HubCorpus
from nmt.data.readers import Pair

CORPORA: Parts[type[Corpus]] = Parts(
    "nmt.corpora", type[Corpus], {"demo": DemoCorpus, "files": FileCorpus, "hub": HubCorpus}
)

__all__ = ["CORPORA", "Corpus", "DemoCorpus", "FileCorpus", "HubCorpus", "MixConfig", "Pair"]
