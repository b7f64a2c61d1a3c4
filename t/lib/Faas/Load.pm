# SPDX-License-Identifier: BSD-2-Clause
#
# Load by forked clients with keep-alive connections: until they are told to
# stop, or for a number of requests.  Counts each answer, and says what went
# wrong in words.

package Faas::Load;

use strict;
use warnings;

use Faas::HTTP;
use Faas::Proc qw(fork_child slurp);
use Fcntl qw(O_RDWR O_CREAT);
use JSON::PP;
use Time::HiRes qw(time);

use constant {
    SAMPLES   => 10,        # messages kept a client
    FINISH    => 60,        # seconds for a client to end
};


# Starts the clients.  addr, path, dir (for their results); clients (4),
# requests (of each client; without it until finish()), method, headers,
# body, timeout (seconds, 30), keepalive (1), check => sub of the answer that
# returns what is wrong or undef (default: any status but 200 is wrong).
#
# A server may close a connection that is idle, and a request that meets that
# is lost without a fault of anybody: where a connection that was used before
# ends with no byte of an answer the request is sent again, once, on a new
# one.  That is counted in "retried".
sub start {
    my ($class, %opt) = @_;

    my $self = bless { dir => $opt{dir}, procs => [] }, $class;
    my $id = join '-', $$, int(time * 1e6);

    for my $i (1 .. $opt{clients} // 4) {
        my $base = "$opt{dir}/load-$id-$i";

        push @{ $self->{bases} }, $base;
        push @{ $self->{procs} }, fork_child(
            name => "load client $i",
            log  => "$base.log",
            code => sub { client($base, %opt) },
        );
    }

    return $self;
}


# The number of requests answered so far, by all clients.
sub requests {
    my ($self) = @_;

    my $sum = 0;

    for my $base (@{ $self->{bases} }) {
        my $bytes = slurp("$base.count") // '';

        $sum += unpack 'Q', $bytes if length $bytes == 8;
    }

    return $sum;
}


# Whether a client is still at work.
sub running {
    my ($self) = @_;

    return scalar grep { $_->running } @{ $self->{procs} };
}


# Lets each client end the request it is at.  Returns { requests, ok, failed,
# retried, connections, status => { CODE => n }, errors => [text, ...],
# max_ms, seconds }.
sub finish {
    my ($self) = @_;

    $_->signal('TERM') for @{ $self->{procs} };

    return $self->wait;
}


# As finish(), for clients with a number of requests: waits for their end.
sub wait {
    my ($self, $timeout) = @_;

    my $sum = { requests => 0, ok => 0, failed => 0, retried => 0,
        connections => 0, status => {}, errors => [], max_ms => 0,
        seconds => 0 };

    Faas::Proc::wait_quietly(sub { !$self->running }, $timeout // FINISH);

    for my $i (0 .. $#{ $self->{procs} }) {
        $self->{procs}[$i]->stop(may_be_gone => 1, signal => 'KILL');

        my $text = slurp("$self->{bases}[$i].json");

        if (!defined $text) {
            $sum->{failed}++;
            push @{ $sum->{errors} }, "client $i died: "
                . (slurp("$self->{bases}[$i].log") // '');
            next;
        }

        add($sum, decode_json($text));
    }

    return $sum;
}


sub add {
    my ($sum, $part) = @_;

    $sum->{$_} += $part->{$_} for qw(requests ok failed retried connections);

    for my $code (keys %{ $part->{status} }) {
        $sum->{status}{$code} += $part->{status}{$code};
    }

    for my $name (qw(max_ms seconds)) {
        $sum->{$name} = $part->{$name} if $part->{$name} > $sum->{$name};
    }

    push @{ $sum->{errors} }, @{ $part->{errors} };

    return;
}


sub client {
    my ($base, %opt) = @_;

    my $must_stop = 0;
    local $SIG{TERM} = sub { $must_stop = 1; };

    my $sum = { requests => 0, ok => 0, failed => 0, retried => 0,
        connections => 0, status => {}, errors => [], max_ms => 0 };
    my $begin = time;
    my $state = { sum => $sum, opt => \%opt };

    sysopen my $count, "$base.count", O_RDWR | O_CREAT
        or die "cannot write $base.count: $!";

    while (!$must_stop && $sum->{requests} < ($opt{requests} // 9**15)) {
        my $start = time;
        my $res = one_request($state);
        my $error = $res->{error} // ($opt{check} // \&check)->($res);
        my $ms = (time - $start) * 1000;

        $sum->{requests}++;
        $sum->{status}{ $res->{status} }++;
        $sum->{max_ms} = $ms if $ms > $sum->{max_ms};
        $sum->{ defined $error ? 'failed' : 'ok' }++;

        if (defined $error && @{ $sum->{errors} } < SAMPLES) {
            push @{ $sum->{errors} }, sprintf '%.3f s: %s', time - $begin,
                $error;
        }

        sysseek $count, 0, 0;
        syswrite $count, pack 'Q', $sum->{requests};
    }

    $sum->{seconds} = time - $begin;

    open my $out, '>', "$base.tmp" or die "cannot write $base.tmp: $!";
    print {$out} encode_json($sum);
    close $out or die "cannot write $base.tmp: $!";
    rename "$base.tmp", "$base.json" or die "cannot rename $base.tmp: $!";

    return;
}


# One request; { status, ..., error } as Faas::HTTP gives it.
sub one_request {
    my ($state) = @_;

    my $opt = $state->{opt};
    my $is_reused = defined $state->{client};
    my $method = $opt->{method} // 'GET';

    if (!$is_reused) {
        $state->{client} = Faas::HTTP->new($opt->{addr},
            timeout => $opt->{timeout} // 30);

        return Faas::HTTP::failure("cannot connect: $@")
            if !$state->{client};

        $state->{sum}{connections}++;
    }

    my $res = $state->{client}->request($method, $opt->{path} // '/',
        $opt->{headers}, $opt->{body});

    if ($res->{status} == 0 || !($opt->{keepalive} // 1)
        || ($res->{headers}{connection} // '') =~ /\bclose\b/i)
    {
        $state->{client}->close;
        $state->{client} = undef;
    }

    if ($res->{is_empty} && $is_reused && $res->{error} !~ /timed out/) {
        $state->{sum}{retried}++;
        return one_request($state);
    }

    return $res;
}


sub check {
    my ($res) = @_;

    return if $res->{status} == 200;
    return "status $res->{status}: " . substr $res->{body}, 0, 200;
}


1;
