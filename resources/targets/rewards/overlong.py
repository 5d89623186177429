def score_overlong(ids, longest, cache):
    """DAPO (arXiv 2503.14476): 0 up to longest - cache tokens, then linear to -1."""
    if ids is None:
        return None
    if len(ids) <= longest - cache:
        return 0.0
    return -1.0 if len(ids) > longest else (longest - cache - len(ids)) / cache
