"""From text to text, in three layers, each a subclass of the one below: Translator (texts), BatchTranslator (pieces),
Searcher (ids).

    translator.py   the interface for texts, and their division into batches
    markup.py       tags and other kept parts: taken out before, put back after
    paragraphs.py   texts split into sentences, and translations joined again
    sources.py      texts as ids: symbols for kept parts, long texts cut
    batches.py      hypotheses as translations: ranked, and aligned on request
    searcher.py     the models on a device: search, scores, attention
    ensemble.py     loading of the models that are searched together
    values.py       TranslationTask and Translation, and checks of arguments
    workers.py      several processes that translate
    forks.py        such a process, and how work is handed out
"""
