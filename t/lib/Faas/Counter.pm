# SPDX-License-Identifier: BSD-2-Clause
#
# A fake function that knows how many requests it has at a time: one process,
# HTTP/1.1 without bodies.  An answer comes after the request's ?ms=N, or
# ?from=N&to=N (chance between), milliseconds; its body is the number of
# requests there were when it came in, itself included, and its header
# X-Order the how manieth it was.

package Faas::Counter;

use strict;
use warnings;

use Faas::HTTP qw(listen_on);
use Faas::Proc qw(fork_child slurp);
use IO::Select;
use Time::HiRes qw(time);


# Starts one: addr, dir for its log, name.  It accepts when this returns.
sub start {
    my ($class, %opt) = @_;

    my ($path) = $opt{addr} =~ /^unix:(.+)/;
    unlink $path if defined $path;

    my $listener = listen_on($opt{addr});
    my $self = bless { addr => $opt{addr},
        state => "$opt{dir}/$opt{name}.counts" }, $class;

    $self->{proc} = fork_child(name => $opt{name},
        log => "$opt{dir}/$opt{name}.log",
        code => sub { serve($listener, $self->{state}) });

    close $listener;

    return $self;
}


sub addr { return $_[0]{addr}; }

sub proc { return $_[0]{proc}; }


# The most requests at a time so far, all requests, the paths in the order in
# which they came.
sub counts {
    my ($self) = @_;

    my @paths = split /\n/, slurp($self->{state}) // '';
    my $most = 0;

    for (@paths) {
        my ($n) = /^(\d+) /;
        $most = $n if $n > $most;
    }

    return { most => $most, all => scalar @paths,
        paths => [map { s/^\d+ //r } @paths] };
}


sub serve {
    my ($listener, $file) = @_;

    my $select = IO::Select->new($listener);
    my %client;             # by descriptor: sock, in
    my @due;                # [time, descriptor, text]
    my $n = 0;

    local $SIG{PIPE} = 'IGNORE';
    open my $state, '>>', $file or die "$file: $!\n";
    $state->autoflush(1);

    while (1) {
        @due = sort { $a->[0] <=> $b->[0] } @due;
        my $wait = @due ? $due[0][0] - time : 10;

        for my $sock ($select->can_read($wait > 0 ? $wait : 0)) {
            if ($sock == $listener) {
                my $new = $listener->accept or next;
                $select->add($new);
                $client{ fileno $new } = { sock => $new, in => '' };
                next;
            }

            my $c = $client{ fileno $sock };

            if (!sysread $sock, $c->{in}, 65536, length $c->{in}) {
                $select->remove($sock);
                my $gone = grep { $_->[1] == fileno $sock } @due;
                $n -= $gone;
                @due = grep { $_->[1] != fileno $sock } @due;
                delete $client{ fileno $sock };
                close $sock;
                next;
            }

            while ($c->{in} =~ s/^\w+ (\S+) .*?\r\n\r\n//s) {
                my $path = $1;
                $n++;
                print {$state} "$n $path\n";
                push @due, [time + delay($path) / 1000, fileno $sock, $n];
            }
        }

        while (@due && $due[0][0] <= time) {
            my (undef, $fd, $text) = @{ shift @due };
            $n--;
            syswrite $client{$fd}{sock}, "HTTP/1.1 200 OK\r\n"
                . 'Content-Length: ' . length($text) . "\r\n\r\n$text";
        }
    }
}


sub delay {
    my ($path) = @_;

    return $1 if $path =~ /[?&]ms=(\d+)/;
    return $1 + rand($2 - $1) if $path =~ /[?&]from=(\d+)&to=(\d+)/;
    return 0;
}


1;
