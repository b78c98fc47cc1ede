"""Any text as LaTeX that prints it, with what LaTeX itself and no package knows."""

import unicodedata

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",  # a bracket or star that opens a line would belong to the line break before it
    "*": "{*}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": r"$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "∞": r"$\infty$",
    "→": r"$\rightarrow$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "²": "$^2$",
    "³": "$^3$",
    "–": "--",
    "—": "---",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
}
_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi pi rho sigma tau upsilon phi chi psi omega"
_ESCAPES |= {unicodedata.lookup(f"GREEK SMALL LETTER {name}"): rf"$\{name}$" for name in _GREEK.split()}
_ESCAPES |= {"λ": r"$\lambda$"}  # whose name Unicode spells otherwise
_ACCENTS = dict(
    zip("\u0300\u0301\u0302\u0303\u0308\u0304\u0306\u0307\u030b\u030c\u0327\u030a", "`'^~\"=u.Hvcr", strict=True)
)


def printable(text: str) -> str:
    """Return a text in characters that `escape` can print: unknown ones become their numbers, such as U+1F642."""
    return "".join(c if c in _ESCAPES or " " <= c <= "~" or _accented(c) else _named(c) for c in text)


def escape(text: str) -> str:
    """Return any text as LaTeX that prints it; line breaks become spaces, unknown characters their numbers."""
    text = printable(text).replace("--", "-\0-").replace("--", "-\0-")
    text = "".join(_ESCAPES.get(c) or _accented(c) or c for c in text)
    return text.replace("\0", "{}")  # keeps hyphens apart, which together would become a dash


def mark(note: int) -> str:
    """Return the letter of a footnote: a … z, then aa, ab, …"""
    return (mark(note // 26 - 1) if note >= 26 else "") + "abcdefghijklmnopqrstuvwxyz"[note % 26]


def _accented(character: str) -> str | None:
    """Return a letter with an accent as LaTeX writes it; None for any other character."""
    letter, accent = (*unicodedata.normalize("NFD", character), "")[:2]
    return rf"\{_ACCENTS[accent]}{{{letter}}}" if accent in _ACCENTS and letter.isascii() else None


def _named(character: str) -> str:
    return " " if character.isspace() else f"U+{ord(character):04X}"
