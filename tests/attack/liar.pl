# SPDX-License-Identifier: ISC
# liar.pl MODE: what a host says when whoever owns it wants harm. It stands in
# for sh (a forced command), or for the receiver's csync2 (as /root/csync2),
# and keeps all that it is sent in /root/taken.
use strict;
use warnings;

my $mode = shift;
my $mib = 'x' x (1 << 20);
$| = 1;
$SIG{PIPE} = 'IGNORE';
binmode STDIN;
binmode STDOUT;
open(my $taken, '>>', '/root/taken') or die "$!";
$taken->autoflush(1) if $taken->can('autoflush');

sub say_ { print STDOUT "@_\n" or exit }
sub err_ { print STDERR "@_\n" or exit }
sub for_ever {
	my ($out, $text) = @_;
	while (1) { print $out $text or exit }
}
# To the end of the script and what belongs to it; not further.
sub script {
	my ($ends) = @_;
	while ($ends && defined(my $l = <STDIN>)) {
		syswrite $taken, $l;
		$ends-- if $l eq "#END\n";
	}
}
sub sleep_ { sleep 1 while 1 }
sub answer {
	my $l = <STDIN>;
	exit unless defined $l;
	syswrite $taken, $l;
	return $l;
}
# csync2's own beginning: CONFIG and HELLO, then the first SIG.
sub until_sig {
	while (1) {
		my $l = answer();
		return $l if $l =~ /^(SIG|FLUSH|DEL)/;
		print "OK (cmd_finished).\n";
	}
}
# An empty host, to the first file.
sub until_patch {
	while (1) {
		my $l = answer();
		last if $l =~ /^PATCH/;
		print "OK (not_found).\n---\noctet-stream 0\n"
			if $l =~ /^SIG/;
		print "OK (cmd_finished).\n";
	}
	print "OK (send_data).\n";
}
my $terminal = "\e]0;pwned\a\e[2J\e[31mred\e[0m\x9b2J\r\b\0\x7f\xff\xfe";
my %modes = (
	# In place of sh.
	'flood-out' => sub { for_ever(*STDOUT, $mib) },
	'flood-err' => sub { for_ever(*STDERR, "$mib\n") },
	'flood-lines' => sub { for_ever(*STDERR, "x\n" x 65536) },
	'flood-nul' => sub { for_ever(*STDOUT, "\0" x 65536) },
	'flood-events' => sub { for_ever(*STDOUT, "postern note y\n" x 4096) },
	'one-note' => sub { say_('postern note hello'); sleep_() },
	'silent' => sub { sleep_() },
	'ready-twice' => sub { script(2); say_("postern ready\npostern ready");
		err_('postern wait'); sleep_() },
	'ready-unfed' => sub { script(1); say_('postern ready'); sleep_() },
	'done-first' => sub { script(2); say_('postern done 0'); sleep 1 },
	'ready-and-gone' => sub { script(2); say_('postern ready') },
	'ready-flood' => sub { script(2); say_('postern ready');
		for_ever(*STDOUT, $mib) },
	'ready-events' => sub { script(2); say_('postern ready');
		for_ever(*STDERR, "postern action 0 $terminal\n" x 256) },
	'numbers' => sub { script(1); say_($_) for ('postern checked',
		'postern read 99999999999999999999', 'postern closed -1',
		'postern read -1', 'postern closed 99999999999999999999',
		'postern', 'postern ', "postern \0ready", 'postern  ready',
		'postern refuse', 'postern ready ' . 'z' x 40000); sleep_() },
	'refuse-terminal' => sub { say_("postern refuse x $terminal");
		exit 3 },
	'note-terminal' => sub { say_("postern note $terminal");
		err_("postern action 0 $terminal"); err_($terminal);
		say_("postern $terminal"); exit 3 },
	'file-flood' => sub { script(2); say_('postern ready');
		for_ever(*STDOUT, "f 100644 0 0 1 0 " . 'a' x 64 . " /x\n") },
	# In place of csync2.
	'c-silent' => sub { sleep_() },
	'c-gone' => sub { exit 0 },
	'c-garbage' => sub { for_ever(*STDOUT, join '', map { chr rand 256 }
		1 .. 65536) },
	'c-flood' => sub { for_ever(*STDOUT, $mib) },
	'c-line' => sub { until_sig(); for_ever(*STDOUT, 'OK (' . $mib) },
	'c-conflict' => sub { until_sig(); for_ever(*STDOUT,
		"File is also marked dirty here!\n" x 4096) },
	'c-terminal' => sub { while (1) { answer();
		print "No: $terminal\n" } },
	'c-sig-endless' => sub { until_sig(); print "OK (data_follows).\n" .
		"v1:x\noctet-stream 9223372036854775807\n";
		for_ever(*STDOUT, $mib) },
	'c-sig-negative' => sub { until_sig(); print "OK (data_follows).\n" .
		"v1:x\noctet-stream -5\nOK (cmd_finished).\n"; sleep_() },
	'c-delta-endless' => sub { until_patch();
		print "octet-stream 9223372036854775807\n";
		for_ever(*STDOUT, $mib) },
	'c-delta-bomb' => sub { until_patch();
		# A signature that says: blocks of 4 GiB, then nonsense.
		my $sig = "rs\x016" . pack('NN', 0xffffffff, 0xffffffff) .
			'y' x 4096;
		print 'octet-stream ' . length($sig) . "\n$sig";
		answer() while 1 },
	# Other files than those that were offered, and csync2's own commands,
	# as if the pusher were a server.
	'c-other-files' => sub { while (1) { my $l = answer();
		print "OK (data_follows).\nv1:mtime=1:mode=33261:/etc/shadow\n" .
		"octet-stream 0\nOK (cmd_finished).\n" .
		"SIG k /etc/shadow\nTYPE k /srv/secret/x\n" .
		"LIST h2 k\nPATCH k /srv/priv/../secret/x\n" .
		"CONFIG \nHELLO h2\nTYPE k /srv/secret/x\n" } },
);
($modes{$mode} or die "$mode: no such mode\n")->();
