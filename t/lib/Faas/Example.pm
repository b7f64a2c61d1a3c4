# SPDX-License-Identifier: BSD-2-Clause
#
# The files of conf/examples in the nginx of a test: as they are, but for
# ports and folders, which are the test's own.

package Faas::Example;

use strict;
use warnings;

use Exporter qw(import);
use Faas::Proc qw(slurp wait_for);

our @EXPORT_OK = qw(start_examples);


# Starts nginx with the shipped configuration and these examples: http =>
# [NAME...] and server => [NAME...], each at its level; tls_port is in place
# of 443.  The gateway answers for hosts that no example names.
sub start_examples {
    my ($test, %opt) = @_;

    my $port = $test->free_port;
    my %port = (8080 => $port, 443 => $opt{tls_port});

    mkdir $test->dir . '/examples';

    my $nginx = $test->start_nginx(port => $port, vars => { PARK => '50ms',
        LISTEN => "127.0.0.1:$port default_server",
        HTTP_EXTRA => includes($test, \%port, $opt{http}),
        SERVER_EXTRA => includes($test, \%port, $opt{server}),
    });

    wait_for(sub { $test->get('/healthz')->{status} == 200 }, 10, 'routes');

    return $nginx;
}


sub includes {
    my ($test, $port, $names) = @_;

    return join "\n", map { 'include ' . copy($test, $port, $_) . ';' }
        @{ $names // [] };
}


sub copy {
    my ($test, $port, $name) = @_;

    my $dir = $test->dir;
    my $text = slurp($test->root . "/conf/examples/$name.conf")
        // die "cannot read conf/examples/$name.conf: $!\n";

    $text =~ s{^(\s*listen )(\d+)}{$1 . '127.0.0.1:'
        . ($port->{$2} // die "$name.conf: no port for $2\n")}mge;
    $text =~ s{/etc/nginx/}{$dir/}g;
    $text =~ s{/var/cache/}{$dir/}g;

    return $test->spew("$dir/examples/$name.conf", $text);
}


1;
