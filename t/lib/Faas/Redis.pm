# SPDX-License-Identifier: BSD-2-Clause
#
# A tiny Redis client: RESP over a unix socket or TCP.  It can also publish a
# route, as the scaler does (lib/faas_proto.h).

package Faas::Redis;

use strict;
use warnings;

use Faas::HTTP qw(connect_to);
use JSON::PP;
use Time::HiRes qw(time);


# addr is unix:/path or IP:PORT; dies where nothing answers there.
sub new {
    my ($class, $addr) = @_;

    my $sock = connect_to($addr) // die "cannot connect to Redis: $@\n";

    binmode $sock;

    return bless { sock => $sock }, $class;
}


# Sends a command and returns its reply: a string, a number, undef or a
# reference to a list.  Dies on an error reply and on a lost connection.
sub command {
    my ($self, @args) = @_;

    local $SIG{PIPE} = 'IGNORE';

    utf8::encode($_) for grep { utf8::is_utf8($_) } @args;

    my $text = '*' . @args . "\r\n";
    $text .= '$' . length($_) . "\r\n$_\r\n" for @args;

    print { $self->{sock} } $text or die "Redis: $!\n";
    $self->{sock}->flush or die "Redis: $!\n";

    return $self->reply;
}


# Publishes that a function answers at these addresses; without addresses it
# has no replica.  A hash reference among them has further members of the
# route.  Returns the revision.
sub publish {
    my ($self, $name, @args) = @_;

    my %more = map { %$_ } grep { ref } @args;
    my @addrs = grep { !ref } @args;
    my $i = 0;
    my @endpoints = map { { id => "$name-" . ++$i, addr => $_ } } @addrs;

    return $self->change($name, sub {
        return (HSET => 'faas:routes', full_name($name), encode_json({
            rev => shift, replicas => scalar @addrs,
            endpoints => \@endpoints, %more }));
    });
}


# Takes a route away.  Returns the revision.
sub unpublish {
    my ($self, $name) = @_;

    return $self->change($name, sub {
        return (HDEL => 'faas:routes', full_name($name));
    });
}


# One change of the routes: command gives it for a revision.
sub change {
    my ($self, $name, $command) = @_;

    my $last = $self->command(qw(XREVRANGE faas:changes + - COUNT 1));
    my %last = @$last ? @{ $last->[0][1] } : (rev => 0);
    my $rev = int(time * 1e6);

    $rev = $last{rev} + 1 if $rev <= $last{rev};

    $self->command('MULTI');
    $self->command(qw(SET faas:epoch test NX));
    $self->command($command->($rev));
    $self->command(qw(XADD faas:changes MAXLEN ~ 10000 *),
        name => full_name($name), rev => $rev, prev => $last{rev});
    $self->command('EXEC');

    return $rev;
}


sub full_name {
    my ($name) = @_;

    return $name =~ /\./ ? $name : "$name.openfaas-fn";
}


# Reads one reply, as after SUBSCRIBE.
sub reply {
    my ($self) = @_;

    my $line = $self->line;
    my $kind = substr $line, 0, 1, '';

    return $line if $kind eq '+' || $kind eq ':';
    die "Redis: $line\n" if $kind eq '-';

    if ($kind eq '$') {
        return if $line < 0;

        my $text = '';
        my $want = $line + 2;

        while (length $text < $want) {
            read($self->{sock}, $text, $want - length $text, length $text)
                or die "Redis: connection lost\n";
        }

        return substr $text, 0, -2;
    }

    if ($kind eq '*') {
        return if $line < 0;
        return [map { scalar $self->reply } 1 .. $line];
    }

    die "Redis: unknown kind of reply $kind\n";
}


sub line {
    my ($self) = @_;

    local $/ = "\r\n";
    my $line = readline $self->{sock};

    die "Redis: connection lost\n" if !defined $line || $line !~ s/\r\n$//;

    return $line;
}


1;
