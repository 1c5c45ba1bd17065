# SPDX-License-Identifier: ISC
# speak.pl HOST PORT CONFIG NAME KEY FILE: csync2's protocol without csync2:
# every command that could write FILE (or tell of it), one connection each.
# Prints what came back; a line "PUT" where FILE was taken by the other side.
# SILENCE: how many seconds of it end a session. AFTER: a file to wait for
# before the first command is given; KEY is read from it.
use strict;
use warnings;
use Socket;

my ($host, $port, $config, $name, $key, $file) = @ARGV;
# What librsync calls a delta: one literal, then the end.
my $evil = "evil of $name\n";
my $delta = "rs\x026" . chr(length $evil) . $evil . "\0";
my %more = (MKCHR => 259, MKBLK => 259, MKLINK => '/etc/shadow',
	SETOWN => '1 1', SETMOD => 04777, SETIME => 1, LIST => '');
$SIG{PIPE} = 'IGNORE';
$| = 1;

# The next line within 2 s, or what there is.
sub line {
	my ($s) = @_;
	my $got = '';
	my $end = time + ($ENV{SILENCE} || 2);
	while ($got !~ /\n/) {
		vec(my $r = '', fileno($s), 1) = 1;
		my $n = select($r, undef, undef, $ENV{SILENCE} || 2);
		return "$got(silence)" if !$n || time > $end;
		sysread($s, my $b, 1) or return "$got(closed)";
		$got .= $b;
	}
	chomp $got;
	return $got;
}

sub session {
	my ($what) = @_;
	socket(my $s, PF_INET, SOCK_STREAM, 0) or die "$!";
	if (!connect($s, sockaddr_in($port, inet_aton($host)))) {
		print "$what: $!\n";
		return 0;
	}
	my @said;
	for my $c ("CONFIG $config", "HELLO $name") {
		syswrite($s, "$c\n");
		push @said, line($s);
		print "$what: $c: $said[-1]\n";
		return 0 if $said[-1] =~ /silence|closed/;
	}
	if ($ENV{AFTER}) {
		select(undef, undef, undef, 0.02) until -s $ENV{AFTER};
		open(my $f, '<', $ENV{AFTER}) or die "$!";
		chomp($key = <$f>);
	}
	my $extra = exists $more{$what} ? " $more{$what}" : '';
	syswrite($s, "$what $key $file$extra\n");
	my $answer = line($s);
	if ($what eq 'PATCH' && $answer =~ /^OK/) {
		my ($size) = line($s) =~ /octet-stream (\d+)/;
		sysread($s, my $skip, 1) while $size-- > 0;
		syswrite($s, 'octet-stream ' . length($delta) . "\n$delta");
		$answer = line($s);
		print "PUT\n" if $answer =~ /^OK/;
	}
	print "$what: $answer\n";
	return 1;
}

for my $what (qw(PATCH FLUSH MARK SIG TYPE GETTM GETSZ DEL MKDIR MKCHR MKBLK
	MKFIFO MKLINK MKSOCK SETOWN SETMOD SETIME LIST)) {
	# DEL would undo the proof.
	next if $what =~ /^(DEL|MK)/ && $ENV{KEEP};
	session($what) or last;
}
