# SPDX-License-Identifier: BSD-2-Clause
#
# A fake name server over UDP on 127.0.0.1, whose answers a test changes while
# it runs.  It knows A and AAAA, and answers whatever name it is asked for.

package Faas::DNS;

use strict;
use warnings;

use Faas::Proc qw(fork_child slurp);
use IO::Socket::INET;
use Socket qw(AF_INET AF_INET6 inet_pton);

use constant {
    TYPE_A    => 1,
    TYPE_AAAA => 28,
    CLASS_IN  => 1,
    NAME_AT   => 0xc00c,        # a pointer to the question's name
    RESPONSE  => 0x8180,        # with recursion, wanted and had
    NXDOMAIN  => 3,
    TTL       => 0,             # seconds
};


# Starts one; dir is for its files.  It is silent until it has an answer.
sub start {
    my ($class, %opt) = @_;

    # made here, so that it is asked for nothing in vain
    my $sock = IO::Socket::INET->new(LocalAddr => '127.0.0.1:0',
        Proto => 'udp') // die "cannot bind for DNS: $@\n";

    my $base = "$opt{dir}/dns";
    my $self = bless { base => $base, addr => '127.0.0.1:' . $sock->sockport },
        $class;

    $self->silent;
    $self->{proc} = fork_child(name => 'dns', log => "$base.log",
        code => sub { serve($sock, $base) });

    close $sock;

    return $self;
}


sub addr { return $_[0]{addr}; }

sub proc { return $_[0]{proc}; }


# From now on: these addresses, IPv4 and IPv6; no answer; no such name.
sub answer { return shift->set(@_); }

sub silent { return $_[0]->set('silent'); }

sub unknown { return $_[0]->set('unknown'); }


sub set {
    my ($self, @words) = @_;

    my $file = "$self->{base}.answer";

    open my $out, '>', "$file.new" or die "cannot write $file: $!\n";
    print {$out} "@words";
    close $out or die "cannot write $file: $!\n";
    rename "$file.new", $file or die "cannot write $file: $!\n";

    return;
}


# How many queries there have been, the unanswered ones among them; or those
# for a name.
sub queries {
    my ($self, $name) = @_;

    my @names = split /\n/, slurp("$self->{base}.queries") // '';

    return scalar grep { !defined $name || $_ eq $name } @names;
}


sub serve {
    my ($sock, $base) = @_;

    open my $log, '>>', "$base.queries" or die "cannot write a log: $!\n";
    $log->autoflush(1);

    while (1) {
        my $from = recv($sock, my $query, 4096, 0) // next;
        my ($name, $end) = question($query) or next;

        print {$log} "$name\n";

        my $text = reply($query, $end, split / /, slurp("$base.answer"));

        # who has asked may be gone
        send($sock, $text, 0, $from) if defined $text;
    }
}


# The name that is asked for, and where the question ends.
sub question {
    my ($query) = @_;

    my @labels;
    my $at = 12;

    while ($at < length $query) {
        my $len = ord substr $query, $at++, 1;

        return (join('.', @labels), $at + 4)
            if $len == 0 && $at + 4 <= length $query;

        push @labels, substr $query, $at, $len;
        $at += $len;
    }

    return;
}


sub reply {
    my ($query, $end, @words) = @_;

    return if $words[0] eq 'silent';

    my $type = unpack 'n', substr $query, $end - 4, 2;
    my $flags = RESPONSE + ($words[0] eq 'unknown' ? NXDOMAIN : 0);
    my $family = $type == TYPE_AAAA ? AF_INET6 : AF_INET;
    my @records;

    for my $addr (grep { $type == (/:/ ? TYPE_AAAA : TYPE_A) } @words) {
        my $data = inet_pton($family, $addr) // next;

        push @records, pack 'n n n N n/a', NAME_AT, $type, CLASS_IN, TTL,
            $data;
    }

    return substr($query, 0, 2) . pack('n n n n n', $flags, 1,
        scalar @records, 0, 0) . substr($query, 12, $end - 12)
        . join '', @records;
}


1;
