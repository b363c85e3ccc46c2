"""From text to text, in three layers, each a subclass of the one below: Translator (texts), BatchTranslator (pieces),
Searcher (ids).

    translator.py   what is asked of a text, and in which batches it is done
    markup.py       what is taken out of a text before, and put back after
    paragraphs.py   the sentences of a text, and one translation of theirs
    sources.py      a text as ids: symbols for what is kept, cut where it is too long
    batches.py      hypotheses as translations, ranked, aligned where asked for
    searcher.py     the models on a device, and what they are asked
    ensemble.py     which models are searched together
    values.py       TranslationTask and Translation, and what becomes of a Translation
    workers.py      several processes that translate for one
    forks.py        what such a process is, and how work is handed out
"""
