# SPDX-License-Identifier: BSD-2-Clause
#
# Who looks at /system/feed: reads its events, and keeps what they amount to.

package Faas::Viewer;

use strict;
use warnings;

use Faas::HTTP;
use JSON::PP;
use Time::HiRes qw(time);

use constant TIMEOUT => 30;     # seconds, for one event


# Sends the request and reads the answer's head, which is res.  Of a client
# (Faas::HTTP) of the caller's own, or of an address.
sub new {
    my ($class, $test, %opt) = @_;

    my $client = $opt{client} // Faas::HTTP->new($opt{addr} // $test->addr)
        // die "no connection: $@\n";
    my $self = bless { client => $client, text => '', functions => {},
        sum => {} }, $class;

    $client->send_request(GET => '/system/feed', { authorization =>
        $test->authorization, %{ $opt{headers} // {} } });
    $self->{res} = $client->head(time + TIMEOUT);

    return $self;
}


sub client { return $_[0]{client}; }

sub res { return $_[0]{res}; }

# what the last event had of a function; undef: it has no route
sub function { return $_[0]{functions}{"$_[1].openfaas-fn"}; }

# { c, e, h => [...] } of all events so far
sub sum {
    return $_[0]{sum}{"$_[1].openfaas-fn"} // { c => 0, e => 0, h => [] };
}


# The next event, decoded and applied; undef at the end of the answer, which is
# as it should be where is_whole() says so.
sub event {
    my ($self) = @_;

    my $deadline = time + TIMEOUT;

    while ($self->{text} !~ /\n\n/) {
        my $line = $self->{client}->line($deadline) // return;
        my $size = hex $line;
        my $bytes = $self->{client}->take($size + 2, $deadline) // return;

        if ($size == 0) {
            $self->{is_whole} = 1;
            return;
        }

        $self->{text} .= substr $bytes, 0, $size;
    }

    $self->{text} =~ s/^data: (.*)\n\n//
        or die "no event: $self->{text}\n";
    $self->{last} = $1;

    my $event = JSON::PP->new->utf8->decode($1);

    $self->apply($event);

    return $event;
}


sub is_whole { return $_[0]{is_whole}; }

# the text of the last event
sub last_text { return $_[0]{last}; }


sub apply {
    my ($self, $event) = @_;

    my $functions = $event->{functions} // {};

    $self->{functions} = {} if $event->{full};

    for my $name (keys %$functions) {
        my $fn = $functions->{$name};

        if (!defined $fn) {
            delete $self->{functions}{$name};
            next;
        }

        $self->{functions}{$name} = $fn;

        next if $event->{full};

        my $sum = $self->{sum}{$name} //= { c => 0, e => 0, h => [] };

        $sum->{$_} += $fn->{$_} for qw(c e);
        $sum->{h}[$_->[0]] += $_->[1] for @{ $fn->{h} };
    }

    return;
}


# Reads events until one makes this true; returns it, or dies.
sub until {
    my ($self, $is_so, $what) = @_;

    my $deadline = time + TIMEOUT;

    while (time < $deadline) {
        my $event = $self->event // die "the feed ended before: $what\n";

        return $event if $is_so->($event);
    }

    die "the feed does not say: $what\n";
}


# Reads to the end of the answer.
sub drain {
    my ($self) = @_;

    1 while $self->event;

    return $self->is_whole;
}


1;
