#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""test_postern.py POSTERN SOURCE: the dispatcher, its completion and the
check of manual pages, with commands that only say how they were called."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

POSTERN, SOURCE = (os.path.realpath(p) for p in sys.argv[1:3])

# A command: prints its words one a line, or an option table.
FAKE = '''#!/bin/sh
if [ "$1" = --opt-table ]; then
    printf 'c\\tconfig\\tFILE\\tread FILE\\n\\tkey-dir\\tFOLDER\\tx\\n'
    printf 'H\\thost\\tNAME\\tx\\nq\\t\\t\\tx\\n\\thelp\\t\\tx\\n'
    exit 0
fi
printf '%s\\n' "${0##*/}" "$@"
exit 7
'''

# One that has commands of its own.
FAKE_SUBS = '''#!/bin/sh
printf '\\thelp\\t\\tx\\n'
printf 'run\\tdo it\\n\\tjson\\t\\tx\\n\\thelp\\t\\tx\\n'
printf 'restore\\tundo it\\n\\tto\\tDIR\\tx\\n'
'''


def program(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, 0o755)


class Case(unittest.TestCase):
    def setUp(self):
        self.tree = tempfile.mkdtemp(prefix='postern-tree-')
        self.addCleanup(shutil.rmtree, self.tree)
        os.mkdir(f'{self.tree}/meson-private')
        shutil.copy(POSTERN, f'{self.tree}/postern')
        for name in ('unlock', 'git', 'own-thing'):
            program(f'{self.tree}/tools/{name}/postern-{name}', FAKE)
        program(f'{self.tree}/bin/man', '#!/bin/sh\necho man "$@"\n')

    def run_it(self, *words, argv0=None, path=None):
        env = dict(os.environ, PATH=f'{self.tree}/bin:/usr/bin:/bin')
        return subprocess.run(
            [argv0 or 'postern', *words],
            executable=path or f'{self.tree}/postern', env=env,
            capture_output=True, text=True, timeout=30)

    def says(self, result, code, out=None, err=''):
        self.assertEqual(result.stderr, err)
        if out is not None:
            self.assertEqual(result.stdout, out)
        self.assertEqual(result.returncode, code)


class Dispatcher(Case):
    def test_a_command_gets_its_words_as_they_are(self):
        self.says(self.run_it('unlock', '--hold', 'a b', '--', '-x', ''), 7,
                  'postern-unlock\n--hold\na b\n--\n-x\n\n')
        self.says(self.run_it('own-thing'), 7, 'postern-own-thing\n')

    def test_an_old_name_runs_its_command(self):
        self.says(self.run_it('g1', '--help', argv0='/x/csync2_unlocker'), 7,
                  'postern-unlock\n--hold\ng1\n--help\n')
        os.symlink('postern', f'{self.tree}/csync2_unlocker')
        self.says(self.run_it('g1', argv0='csync2_unlocker',
                              path=f'{self.tree}/csync2_unlocker'), 7,
                  'postern-unlock\n--hold\ng1\n')

    def test_help_lists_the_commands_that_are_there(self):
        for words in ((), ('--help',), ('help',)):
            out = self.run_it(*words)
            self.says(out, 0)
            self.assertIn('\n  unlock     one-time keys', out.stdout)
            self.assertIn('\n  git        ', out.stdout)
            self.assertNotIn('backup', out.stdout)

    def test_help_of_a_command_is_its_manual(self):
        self.says(self.run_it('help', 'unlock'), 0, 'man postern-unlock\n')
        self.says(self.run_it('unlock', 'help'), 0, 'man postern-unlock\n')
        self.says(self.run_it('help', 'postern'), 0, 'man postern\n')
        page = f'{self.tree}/man/postern-unlock.1'
        os.mkdir(os.path.dirname(page))
        with open(page, 'w') as f:
            f.write('.Dd\n')
        self.says(self.run_it('help', 'unlock'), 0, f'man {page}\n')

    def test_an_unknown_name_is_an_error_with_a_suggestion(self):
        self.says(self.run_it('unlok', 'x'), 64, '', "postern: unknown command "
                  "'unlok'; did you mean 'unlock'?\n")
        self.says(self.run_it('help', 'unlok'), 64, '', "postern: unknown "
                  "command 'unlok'; did you mean 'unlock'?\n")
        self.says(self.run_it('xyzzy'), 64, '', "postern: unknown command "
                  "'xyzzy'; 'postern help' lists them\n")
        self.says(self.run_it('backup'), 64, '', "postern: 'backup' is not "
                  "installed here: no "
                  f"{self.tree}/tools/backup/postern-backup\n")
        self.says(self.run_it('--hlep'), 64, '', "postern: unknown or "
                  "ambiguous option '--hlep'; did you mean '--help'?\n")

    def test_a_name_can_not_leave_its_folder(self):
        program(f'{self.tree}/evil/postern-evil', FAKE)
        program(f'{self.tree}/tools/UP/postern-UP', FAKE)
        program(f'{self.tree}/tools/-x/postern--x', FAKE)
        for name in ('../evil', 'unlock/../../evil', 'UP', '', 'a\033[2Jb',
                     'unlock ', '1x'):
            out = self.run_it(name)
            self.assertEqual((out.returncode, out.stdout), (64, ''), name)
            self.assertNotIn('\033', out.stderr)
        self.assertEqual(self.run_it('--', '-x').returncode, 64)

    def test_only_a_build_tree_of_ones_own_is_one(self):
        os.chmod(self.tree, 0o1777)
        out = self.run_it('unlock')
        self.assertEqual(out.returncode, 64)
        self.assertNotIn(self.tree, out.stderr)
        os.chmod(self.tree, 0o755)
        os.rmdir(f'{self.tree}/meson-private')
        out = self.run_it('unlock')
        self.assertEqual(out.returncode, 64)
        self.assertNotIn(self.tree, out.stderr)

    def test_version_and_a_full_disk(self):
        out = self.run_it('--version')
        self.says(out, 0)
        self.assertRegex(out.stdout, r'^postern [0-9.]+\n$')
        for word in ('--version', '--help', '--opt-table'):
            with open('/dev/full', 'w') as full:
                out = subprocess.run([POSTERN, word], stdout=full,
                                     stderr=subprocess.PIPE, text=True)
            self.assertEqual(out.returncode, 1)
            self.assertIn('standard output', out.stderr)


class Completion(Case):
    def complete(self, *words, cwd=None):
        script = f'{self.tree}/completion'
        program(f'{self.tree}/tools/backup/postern-backup', FAKE_SUBS)
        if not os.path.exists(script):
            subprocess.run(
                [sys.executable, f'{SOURCE}/completions/completion.py', script,
                 POSTERN, 'unlock', f'{self.tree}/tools/unlock/postern-unlock',
                 'git', f'{self.tree}/tools/git/postern-git', 'backup',
                 f'{self.tree}/tools/backup/postern-backup'], check=True)
        out = subprocess.run(
            ['bash', '-c', 'compopt() { :; }; . "$1"; shift\n'
             'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _postern\n'
             'for r in "${COMPREPLY[@]}"; do printf "%s\\n" "$r"; done',
             'bash', script, *words], cwd=cwd or '/', capture_output=True,
            text=True, check=True)
        self.assertEqual(out.stderr, '')
        return sorted(out.stdout.splitlines())

    def test_the_names_come_first(self):
        self.assertEqual(self.complete('postern', ''),
                         ['backup', 'git', 'help', 'unlock'])
        self.assertEqual(self.complete('postern', 'un'), ['unlock'])
        self.assertEqual(self.complete('postern', 'help', ''),
                         ['backup', 'git', 'unlock'])
        self.assertEqual(self.complete('postern', '--v'), ['--version'])

    def test_then_the_options_of_the_command(self):
        self.assertEqual(self.complete('postern', 'unlock', '--'),
                         ['--config', '--help', '--host', '--key-dir'])
        self.assertEqual(self.complete('postern', 'unlock', '-'),
                         ['--config', '--help', '--host', '--key-dir', '-H',
                          '-c', '-q'])
        self.assertEqual(self.complete('postern', 'unlock', ''), [])
        self.assertEqual(self.complete('postern', 'nosuch', '--'), [])

    def test_a_command_may_have_commands_with_options_of_their_own(self):
        self.assertEqual(self.complete('postern', 'backup', ''),
                         ['restore', 'run'])
        self.assertEqual(self.complete('postern', 'backup', 'ru'), ['run'])
        self.assertEqual(self.complete('postern', 'backup', '-'), ['--help'])
        self.assertEqual(self.complete('postern', 'backup', 'run', '-'),
                         ['--help', '--json'])
        self.assertEqual(self.complete('postern', 'backup', 'run', ''), [])
        self.assertEqual(self.complete('postern', 'backup', 'run', '--json',
                                       'x', '--h'), ['--help'])
        folder = f'{self.tree}/there'
        os.makedirs(f'{folder}/a')
        self.assertEqual(self.complete('postern', 'backup', 'restore', '--to',
                                       '', cwd=folder), ['a'])

    def test_files_and_folders_where_an_option_takes_one(self):
        folder = f'{self.tree}/here'
        os.makedirs(f'{folder}/a b')
        with open(f'{folder}/a $(c)', 'w'):
            pass
        for words in (('-c', 'a'), ('--config', 'a'), ('--config', '=', 'a')):
            self.assertEqual(self.complete('postern', 'unlock', *words,
                                           cwd=folder), ['a $(c)', 'a b'])
        self.assertEqual(self.complete('postern', 'unlock', '--config', '=',
                                       cwd=folder), ['a $(c)', 'a b'])
        self.assertEqual(self.complete('postern', 'unlock', '--key-dir', '',
                                       cwd=folder), ['a b'])
        self.assertEqual(self.complete('postern', 'unlock', '-H', '',
                                       cwd=folder), [])
        self.assertIn('a b', self.complete('postern', 'unlock', 'g', '--', 'a',
                                           cwd=folder))


class ManOptions(Case):
    def check(self, *lines):
        page = f'{self.tree}/page.1'
        with open(page, 'w') as f:
            f.write('.Dd $Mdocdate$\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n'
                    '.Nd x\n.Sh OPTIONS\n.Bl -tag -width x\n')
            f.write('\n'.join(lines) + '\n.El\n')
        return subprocess.run(
            [sys.executable, f'{SOURCE}/tests/man_options.py', page,
             f'{self.tree}/tools/unlock/postern-unlock'],
            capture_output=True, text=True)

    FULL = ('.It Fl c , Fl -config Ar FILE', '.It Fl -key-dir Ns = Ns Ar X',
            '.It Fl H Ar NAME , Fl -host Ar NAME', '.It Fl q', '.It Fl -help')

    def test_a_page_that_names_every_option_passes(self):
        out = self.check(*self.FULL)
        self.assertEqual((out.returncode, out.stderr), (0, ''), out.stdout)

    def test_each_missing_option_is_named(self):
        for i, names in enumerate((('-c', '--config'), ('--key-dir',),
                                   ('-H', '--host'), ('-q',), ('--help',))):
            out = self.check(*self.FULL[:i], *self.FULL[i + 1:])
            self.assertEqual(out.returncode, 1)
            for name in names:
                self.assertIn(f'{name}: not in', out.stdout)

    def test_an_option_that_is_none_is_named(self):
        out = self.check(*self.FULL, 'and', '.Fl -old .')
        self.assertEqual(out.returncode, 1)
        self.assertIn('--old: in ', out.stdout)

    def test_commands_stand_in_the_synopsis(self):
        program(f'{self.tree}/tools/unlock/postern-unlock', FAKE_SUBS)
        end = ('.It Fl -help', '.It Fl -json', '.It Fl -to Ar DIR')
        both = ('.El', '.Sh SYNOPSIS', '.Nm postern x run',
                '.Nm postern x restore', '.Sh MORE', '.Bl -tag -width x')
        out = self.check(*end, *both)
        self.assertEqual((out.returncode, out.stderr), (0, ''), out.stdout)
        out = self.check(*end, *both[:3], *both[4:])
        self.assertEqual(out.returncode, 1)
        self.assertIn('restore: not in', out.stdout)


del sys.argv[1:3]
unittest.main()
