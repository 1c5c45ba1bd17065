# SPDX-License-Identifier: ISC
# scan.pl HOST…: "HOST PORT" of every TCP port that takes a connection.
use strict;
use warnings;
use Socket;
use POSIX qw(EINPROGRESS);

for my $host (@ARGV) {
	my $addr = inet_aton($host) or die "$host: no such name\n";
	my @ports = (1 .. 65535);
	while (my @batch = splice @ports, 0, 400) {
		my (%sock, $wait);
		my $end = time + 3;
		for my $port (@batch) {
			socket(my $s, PF_INET, SOCK_STREAM | 2048, 0) or die "$!";
			if (connect($s, sockaddr_in($port, $addr))) {
				print "$host $port\n";
			} elsif ($! == EINPROGRESS) {
				$sock{$port} = $s;
			}
		}
		while (%sock && time < $end) {
			my $w = '';
			vec($w, fileno($_), 1) = 1 for values %sock;
			select(undef, my $ready = $w, undef, 0.5) or next;
			for my $port (keys %sock) {
				vec($ready, fileno($sock{$port}), 1) or next;
				my $e = getsockopt($sock{$port}, SOL_SOCKET,
					SO_ERROR);
				print "$host $port\n" if unpack('i', $e) == 0;
				delete $sock{$port};
			}
		}
	}
}
