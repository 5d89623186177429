def score_tags_once(text, tags):
    after = 0
    for mark in [mark for tag in tags for mark in ("<%s>" % tag, "</%s>" % tag)]:
        if text.count(mark) != 1 or text.index(mark) < after:
            return 0.0
        after = text.index(mark) + len(mark)
    return 1.0
