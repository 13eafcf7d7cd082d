# SPDX-License-Identifier: LGPL-2.1-or-later
"""zsh_tab.py DIR LINE: what zsh offers behind LINE with DIR/_masu; its completion works on a terminal only."""
import os
import pty
import re
import select
import sys
import time

SETUP = r"""
PS1= ; unsetopt zle_bracketed_paste prompt_cr prompt_sp
fpath=(%s $fpath); autoload -Uz compinit; compinit -D -u
compadd() { [[ ${@[1,(i)(-|--)]} == *-(O|A|D)(\ |)* ]] && { builtin compadd "$@"; return }
	local -a found; builtin compadd -O found "$@"; print -rl -- "" "offer:"$^found"" >&2 }
finish() { print -r -- ready }; zle -N finish; bindkey '^X' finish
"""


def read_until(terminal, text, seconds=20):
    seen, end = "", time.monotonic() + seconds
    while text not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    return seen


def main():
    folder, line = sys.argv[1:]
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", HOME=folder)
        os.execvp("zsh", ["zsh", "-f", "-i"])
    os.write(terminal, (SETUP % folder).encode() + b"\nprint be''gin\n")
    read_until(terminal, "begin")
    os.write(terminal, line.encode() + b"\t\x18")
    offers = re.findall(r"offer:(\S+)", read_until(terminal, "ready"))
    os.close(terminal)
    os.waitpid(pid, 0)
    print("\n".join(offers))


main()
