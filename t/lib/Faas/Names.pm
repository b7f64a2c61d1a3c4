# SPDX-License-Identifier: BSD-2-Clause
#
# A fake name server over UDP on loopback.  What it says of a name can be
# changed while it runs; of a name that it was not told it says NXDOMAIN.  Of
# several addresses each answer begins with another one.

package Faas::Names;

use strict;
use warnings;

use Faas::Proc qw(fork_child slurp);
use IO::Socket::INET;
use JSON::PP;
use Socket qw(AF_INET AF_INET6 inet_pton);

use constant {
    A        => 1,
    AAAA     => 28,
    NXDOMAIN => 3,
    SERVFAIL => 2,
    TTL      => 600,            # seconds, which nobody is to keep it for
};


# Starts one: dir for its files.
sub start {
    my ($class, %opt) = @_;

    my $sock = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'udp')
        // die "cannot listen: $@\n";
    my $self = bless { file => "$opt{dir}/names.json", says => {},
        log => "$opt{dir}/names.log",
        addr => '127.0.0.1:' . $sock->sockport }, $class;

    $self->save;
    $self->{proc} = fork_child(name => 'name server', log => $self->{log},
        code => sub { serve($sock, $self->{file}) });

    close $sock;

    return $self;
}


sub addr { return $_[0]{addr}; }


# From now on a name has these addresses.  Instead of them: "silent" (there is
# no answer), "broken" (SERVFAIL); "no-aaaa" beside them: no answer to questions
# for IPv6.  Nothing: there is no such name.
sub says {
    my ($self, $name, @what) = @_;

    $self->{says}{$name} = \@what;

    return $self->save;
}


sub save {
    my ($self) = @_;

    my $file = $self->{file};

    open my $out, '>', "$file.new" or die "cannot write $file: $!\n";
    print {$out} encode_json($self->{says});
    close $out or die "cannot write $file: $!\n";
    rename "$file.new", $file or die "cannot write $file: $!\n";

    return;
}


# The names that it was asked for, each with A or AAAA behind a blank.
sub asked {
    my ($self) = @_;

    return split /\n/, slurp($self->{log}) // '';
}


sub serve {
    my ($sock, $file) = @_;

    my $n = 0;

    while (1) {
        my $peer = $sock->recv(my $question, 512) // next;
        my ($id, undef, $count) = unpack 'n3', $question;

        next if length $question < 17 || $count != 1;

        my ($name, $type, $end) = parse($question);

        print "$name ", $type == A ? 'A' : $type == AAAA ? 'AAAA' : $type,
            "\n";

        my $says = decode_json(slurp($file))->{$name} // [];
        my %is = map { $_ => 1 } @$says;

        next if $is{silent} || ($is{'no-aaaa'} && $type == AAAA);

        my @addrs = grep { defined } map { inet_pton($type == A ? AF_INET
            : AF_INET6, $_) } $type == A || $type == AAAA ? @$says : ();
        push @addrs, splice @addrs, 0, $n++ % @addrs if @addrs;

        my $code = $is{broken} ? SERVFAIL : @$says ? 0 : NXDOMAIN;

        $sock->send(pack('n6', $id, 0x8180 | $code, 1, scalar @addrs, 0, 0)
            . substr($question, 12, $end - 12)
            . join('', map { pack('n3 N n/a', 0xc00c, $type, 1, TTL, $_) }
                @addrs), 0, $peer);
    }
}


sub parse {
    my ($question) = @_;

    my @labels;
    my $at = 12;

    while (my $len = unpack "x$at C", $question) {
        push @labels, substr $question, $at + 1, $len;
        $at += 1 + $len;
    }

    return (join('.', @labels), unpack("x$at x n", $question), $at + 5);
}


1;
