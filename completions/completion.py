#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Write the bash completion of postern.

completion.py OUTPUT POSTERN [NAME PROGRAM]...

Each program is asked for its options with --opt-table; their table is the
only list of options that there is. A program may have commands of its own,
each with a table.
"""
import re
import subprocess
import sys

FILES = {'FILE', 'PATH', 'SOCKET', 'KEYFILE'}
FOLDERS = {'FOLDER', 'DIR', 'DIRECTORY'}

HEAD = '''\
# SPDX-License-Identifier: ISC
# bash completion for postern, made from its programs' own option tables.

_postern()
{
    local cur prev name='' sub='' options='' files='' folders='' values=''
    local subs='' i word
    COMPREPLY=()
    # "--option=value" arrives as three words.
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    if [[ $cur == '=' ]]; then
        cur=''
    elif [[ $prev == '=' && $COMP_CWORD -gt 1 ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word != -* && -z $name ]]; then
            name=$word
        elif [[ $word != -* ]]; then
            sub=$word
            break
        fi
    done
'''

TAIL = '''\
    if [[ -n $subs && -z $sub && $cur != -* ]]; then
        _postern_add -W "$subs"
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]]; then
            compopt -o filenames
            _postern_add -c -f
            return
        fi
    done
    if [[ " $files " == *" $prev "* ]]; then
        compopt -o filenames
        _postern_add -f
    elif [[ " $folders " == *" $prev "* ]]; then
        compopt -o filenames
        _postern_add -d
    elif [[ " $values " == *" $prev "* ]]; then
        return
    elif [[ $cur == -* ]]; then
        _postern_add -W "$options"
    fi
}

# What compgen finds for $cur, one reply a line: names may hold blanks.
_postern_add()
{
    local line
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <(compgen "$@" -- "$cur")
}

complete -F _postern postern
'''


def tables(program):
    """{name of a command of its own, or '': its options by what their
    argument is}"""
    out = subprocess.run([program, '--opt-table'], check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    found = {'': []}
    rows = found['']
    for line in out.splitlines():
        if line.count('\t') == 1:
            name = line.split('\t')[0]
            if not re.fullmatch(r'[a-z][a-z-]*', name):
                sys.exit(f'{program}: odd command {name!r}')
            rows = found[name] = []
        else:
            rows.append(line)
    return {name: grouped(program, rows) for name, rows in found.items()}


def grouped(program, rows):
    groups = {'options': [], 'files': [], 'folders': [], 'values': []}
    for line in rows:
        letter, name, arg, _ = line.split('\t')
        words = ['-' + letter] * bool(letter) + ['--' + name] * bool(name)
        for word in words:
            if not re.fullmatch(r'-[A-Za-z0-9]|--[a-z0-9][a-z0-9-]*', word):
                sys.exit(f'{program}: odd option {word!r}')
        groups['options'] += words
        if arg in FILES:
            groups['files'] += words
        elif arg in FOLDERS:
            groups['folders'] += words
        elif arg:
            groups['values'] += words
    return groups


def case(label, groups):
    lines = [f'    {label})']
    for key, words in groups.items():
        if words:
            lines.append(f"        {key}='{' '.join(words)}'")
    return '\n'.join(lines + ['        ;;', ''])


def cases(name, program):
    """What the shell is told of one program."""
    found = tables(program)
    top = found.pop('')
    text = ''.join(case(f"'{name} {sub}'", groups)
                   for sub, groups in found.items())
    return text + case(f"'{name} '*", {**top, 'subs': sorted(found)})


def main():
    output, postern, *rest = sys.argv[1:]
    names = rest[0::2]
    text = HEAD + '    case "$name $sub" in\n'
    text += case("' '", tables(postern)[''])
    for name, program in zip(names, rest[1::2], strict=True):
        text += cases(name, program)
    text += '    esac\n'
    every = ' '.join(['help', *names])
    text += f'''\
    if [[ -z $name && $cur != -* ]]; then
        _postern_add -W '{every}'
        return
    elif [[ $name == help ]]; then
        _postern_add -W '{' '.join(names)}'
        return
    fi
'''
    with open(output, 'w', encoding='ascii') as f:
        f.write(text + TAIL)


main()
