"""Draws what a command wrote on a terminal as SVG: draw.py OUTPUT COLUMNS FOLDER."""

import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

# Background, text, then black, red, green, yellow, blue, magenta, cyan, white.
THEMES = {
    "light": TerminalTheme(
        (255, 255, 255),
        (31, 35, 40),
        [(31, 35, 40), (190, 30, 45), (17, 110, 45), (140, 85, 0)]
        + [(9, 80, 170), (120, 60, 170), (20, 110, 120), (110, 119, 129)],
    ),
    "dark": TerminalTheme(
        (13, 17, 23),
        (230, 237, 243),
        [(110, 118, 129), (255, 123, 114), (86, 211, 100), (227, 179, 65)]
        + [(121, 192, 255), (210, 168, 255), (86, 212, 221), (230, 237, 243)],
    ),
}


def main() -> None:
    output, columns, folder = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    lines = output.read_text(encoding="utf-8").replace("\r\n", "\n").splitlines()
    # `script` frames what it records.
    told = [line for line in lines if not re.match(r"Script (started|done) on ", line)]
    told = ["$ ripcord demo", *told]
    while told and not told[-1].strip():
        told.pop()
    for name, theme in THEMES.items():
        console = Console(record=True, width=columns, file=open("/dev/null", "w"))
        console.print(Text.from_ansi("\n".join(told)), soft_wrap=True)
        svg = console.export_svg(title="ripcord demo", theme=theme, unique_id="demo")
        # A picture fetches nothing: the font is whatever the reader has.
        svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
        svg = svg.replace("Fira Code, monospace", "ui-monospace, Menlo, Consolas, monospace")
        (folder / f"demo-{name}.svg").write_text(svg, encoding="utf-8")


main()
