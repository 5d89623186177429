def score_regex(text, pattern, flags, on):
    return 1.0 if re.search(pattern, part_of(text, on), flags) else 0.0
