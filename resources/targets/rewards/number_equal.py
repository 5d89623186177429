# Numbers as people and models write them: 1,234.5  -3/4  2 1/2  \frac{1}{2}  1.5e3  2 \times 10^3  50 %

DECIMAL = re.compile(
    r"(?:[0-9]{1,3}(?:,[0-9]{3}(?![0-9]))+|[0-9]+|(?=\.[0-9]))(?:\.[0-9]+)?"
    r"(?:[eE][-+]?[0-9]{1,3}(?![0-9A-Za-z]))?")
FRAC = re.compile(
    r"\\frac *(?:\{ *(-?)(%s) *\}|([0-9])) *(?:\{ *(-?)(%s) *\}|([0-9]))" % ((DECIMAL.pattern,) * 2))
REPLACED = {
    r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac", r"\displaystyle": "",
    r"\$": "$", r"\%": "%", "\\ ": " ", "{,}": ",", "~": " ", "\u2212": "-", "\u00a0": " ",
    "\u202f": " ",
}
MARKUP = re.compile(
    "|".join(re.escape(text) for text in REPLACED) + r"|\\[!,;:]|\\(?:left|right)(?![A-Za-z])")
HARMLESS_COMMANDS = set(
    "text textbf textit mathrm mathbf mbox boxed fbox circ degree quad qquad mathit".split())


def is_digit(char):
    return char.isascii() and char.isdigit()


def cleaned_math(text):
    """LaTeX spacing and sizes taken out, fractions and minus signs in one spelling."""

    def replace(match):
        found = match.group()
        if found in REPLACED:
            return REPLACED[found]
        if found in (r"\left", r"\right"):
            return ""
        inside = is_digit(text[match.start() - 1:match.start()]) and is_digit(text[match.end():match.end() + 1])
        return "" if inside else " "

    return MARKUP.sub(replace, text)


def last_boxed(text):
    r"""The content of the last closed \boxed{}; None if there is none."""
    open_braces, last, at = [], None, 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            open_braces.append((at + 1, re.search(r"\\f?boxed *\Z", text[max(0, at - 12):at]) is not None))
        elif text[at] == "}" and open_braces:
            begin, boxed = open_braces.pop()
            if boxed:
                last = text[begin:at]
        at += 1
    return last


def after_hashes(text):
    """The rest of the line after the last ####; None if there is none."""
    marks = list(re.finditer(r"(?<!#)####(?!#)", text))
    return re.match(r"[^\r\n]*", text[marks[-1].end():]).group() if marks else None


def value_of(digits):
    return float(digits.replace(",", ""))


def part_of_word(text, begin):
    """Digits in a word (CO2, x_1) or an exponent (cm^2) are no number of their own."""
    before = text[max(0, begin - 20):begin]
    if re.search(r"[\^_]\{-?\Z|\^-?\Z|_\Z", before):
        return True
    word = re.search(r"(\\?)[A-Za-z]+\Z", before)
    return word is not None and not word.group(1)


def fraction_at(text, at):
    match = FRAC.match(text, at)
    if not match:
        return None
    parts = []
    for sign, long, short in (match.groups()[:3], match.groups()[3:]):
        parts.append(float(short) if short else (-1 if sign else 1) * value_of(long))
    return (parts[0] / parts[1] if parts[1] else math.inf), match.end()


def number_at(text, begin):
    """The number that starts at a digit or a fraction: (value, percent, integer or None, begin, end)."""
    integer, end = None, begin
    fraction = fraction_at(text, begin)
    if fraction:
        value, end = fraction
    else:
        digits = DECIMAL.match(text, begin)
        end, value = digits.end(), value_of(digits.group())
        if re.fullmatch(r"[0-9,]*(\.0+)?", digits.group()):
            integer = digits.group().split(".")[0].replace(",", "").lstrip("0") or "0"
        mixed = integer is not None and re.compile(r" ?([0-9]+) ?/ ?([0-9]+)").match(text, end)
        if mixed and text[end] == " " and 0 < int(mixed.group(1)) < int(mixed.group(2)):
            value, end, integer = value + int(mixed.group(1)) / int(mixed.group(2)), mixed.end(), None
        else:
            rest = fraction_at(text, end) or (text[end:end + 1] == " " and fraction_at(text, end + 1))
            below = re.compile(r" ?/ ?(%s)" % DECIMAL.pattern).match(text, end)
            is_date = text[begin - 1:begin] == "/" or (
                below and re.compile("/[0-9]").match(text, below.end()))
            if integer is not None and rest and 0 < rest[0] < 1:
                value, end, integer = value + rest[0], rest[1], None
            elif below and not is_date:
                bottom = value_of(below.group(1))
                value, end, integer = (value / bottom if bottom else math.inf), below.end(), None
    power = re.compile(r" {0,2}(?:\\times|\\cdot|\u00d7) {0,2}10\^(?:\{(-?[0-9]{1,3})\}|(-?[0-9]{1,3}))").match(text, end)
    if power:
        value, end, integer = value * float("1e" + (power.group(1) or power.group(2))), power.end(), None
    percent = re.compile(r" ?(?:%|percent)").match(text, end)
    if percent:
        end = percent.end()
    sign = re.compile(r"(?<![0-9A-Za-z)}%])([-+])\$?\Z").search(text, max(0, begin - 2), begin)
    if sign:
        begin = sign.start(1)
        if sign.group(1) == "-":
            value = -value
            integer = "-" + integer if integer not in (None, "0") else integer
    return value, bool(percent), integer, begin, end


def numbers_in(text):
    found, at = [], 0
    while at < len(text):
        starts = is_digit(text[at])
        starts = starts or (text[at] == "." and is_digit(text[at + 1:at + 2]) and not is_digit(text[at - 1:at]))
        if starts and part_of_word(text, at):
            at = DECIMAL.match(text, at).end()
        elif starts or (text[at] == "\\" and fraction_at(text, at)):
            found.append(number_at(text, at))
            at = found[-1][4]
        else:
            at += 1
    return found


def readable(number):
    """None for a number too large, or a division by 0."""
    return number if math.isfinite(number[0]) else None


def harmless(text, begin, end):
    """True if what stands around a number does not make an expression of it."""
    at = begin
    while at < end:
        char, rest = text[at], text[at:]
        if char in " \t\n\r\f\v$(){}[].,:;'\"`?&%" or char.isdigit():
            at += 1
        elif re.match("[A-Za-z]", char):
            word = re.match("[A-Za-z]+", rest).group()
            if at == begin > 0 and len(word) == 1 and word not in "mgshlLKCFVWAJN":
                return False
            at += len(word)
        elif char == "\\":
            command = re.match(r"\\([A-Za-z]*)", rest)
            if command.group(1) not in HARMLESS_COMMANDS:
                return False
            at += command.end()
        elif rest.startswith("**"):
            at += 2
        elif char in "-/" and re.match("[A-Za-z]", text[at - 1:at]) and re.match("[A-Za-z]", rest[1:]):
            at += 1
        elif char == "^" and (re.match(r"\^\{?\\circ", rest) or re.match("[A-Za-z}]", text[at - 1:at])):
            at += 1
        elif char == "!" and not at == begin > 0:
            at += 1
        elif ord(char) >= 128 and char not in "±√π×÷∞":
            at += 1
        else:
            return False
    return True


def only_number(text):
    """The one number that a text consists of, besides words and units; None otherwise."""
    text = re.split(r"=|\\approx", text)[-1].lstrip()
    found = numbers_in(text)
    if len(found) != 1:
        return None
    begin, end = found[0][3:]
    return readable(found[0]) if harmless(text, 0, begin) and harmless(text, end, len(text)) else None


def gold_number(text):
    text = cleaned_math(text)
    for marked in (last_boxed(text), after_hashes(text)):
        if marked is not None:
            return only_number(marked)
    number = only_number(text)
    if number is None and len(re.findall(r"(?<![A-Za-z\\])[A-Za-z]{2,}", text)) >= 5:
        found = numbers_in(text)
        number = readable(found[-1]) if found else None
    return number


def final_number(text, extract):
    text = cleaned_math(text)
    for way in extract:
        if way == "boxed":
            boxed = last_boxed(text)
            if boxed is not None:
                return only_number(boxed)
        elif way == "####":
            marked = after_hashes(text)
            if marked is not None:
                found = numbers_in(marked)
                if found and readable(found[0]) and not marked[:found[0][3]].strip(" \t$:*"):
                    return found[0]
        else:
            found = numbers_in(text)
            if found and readable(found[-1]):
                return found[-1]
    return None


def same_number(left, right, rel_tol):
    def close(a, b):
        return abs(a - b) <= rel_tol * max(abs(a), abs(b))

    whole = left[2] is not None and right[2] is not None and rel_tol <= 1e-6
    if left[2] == right[2] if whole else close(left[0], right[0]):
        return True
    if left[1] == right[1]:
        return False
    return close(left[0] / 100, right[0]) if left[1] else close(left[0], right[0] / 100)


def score_number_equal(text, gold, extract, rel_tol, on):
    wanted = None if gold is None else gold_number(gold)
    if wanted is None:
        return None
    found = final_number(part_of(text, on), extract)
    return 1.0 if found is not None and same_number(found, wanted, rel_tol) else 0.0
