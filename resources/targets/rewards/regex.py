def score_regex(text, pattern, on):
    return 1.0 if re.search(pattern, part_of(text, on)) else 0.0
