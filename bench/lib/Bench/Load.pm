# SPDX-License-Identifier: BSD-2-Clause
#
# Load by wrk on servers in turns, and what it cost them.

package Bench::Load;

use strict;
use warnings;

use Exporter qw(import);
use Faas::Test;

our @EXPORT = qw(column cpu forget_peak median paired peak random_function
    spread turn wrk_result);

use constant {
    REUSED  => 100,     # requests for each new connection, at the least
};

my %seconds = (us => 1e-6, ms => 1e-3, s => 1, m => 60, h => 3600);


# Rounds of turns at the servers named: { NAME => [turn's result, ...] }.
# What comes first changes, lest a trend favours one.  cold => 1 does without
# the turn before them that is not counted.
sub paired {
    my ($bench, $rounds, $names, %load) = @_;

    my %results = map { $_ => [] } @$names;

    if (!$load{cold}) {
        # connections to the backend, caches
        turn($bench, $_, %load, seconds => 1) for @$names;
    }

    for my $round (1 .. $rounds) {
        for my $name ($round % 2 ? @$names : reverse @$names) {
            push @{ $results{$name} }, turn($bench, $name, %load);
        }
    }

    return \%results;
}


# Load on one server: connections, seconds, script (text for wrk).  Where one
# server is to take several kinds of load, each under a name of its own: server
# => { NAME => server's name }, scripts => { NAME => text }.  may_reconnect:
# connections to the backend need not be kept.  Returns { cost (CPU us a
# request), rate (requests/s), p50 and p99 (us), rss
# (the most, in KiB) }.  Dies where a request has failed.
sub turn {
    my ($bench, $name, %load) = @_;

    my $server = $bench->server($load{server}{$name} // $name);
    my @pids = $server->workers;
    my $script = $bench->script($load{scripts}{$name} // $load{script});

    forget_peak($_) for @pids;

    my $cpu = cpu(@pids);
    my ($requests, $connections) = $bench->counts;
    my $res = $bench->test->run('wrk', '-t1', '--latency', '--timeout', '20s',
        "-c$load{connections}", "-d$load{seconds}s", '-s', $script,
        'http://127.0.0.1:' . $server->port . '/');

    $cpu = cpu(@pids) - $cpu;

    my %result = (%{ wrk_result($name, $res) }, rss => peak(@pids));
    my ($requests_now, $connections_now) = $bench->counts;

    $requests = $requests_now - $requests;
    $connections = $connections_now - $connections - $load{connections};

    if ($requests < $result{n}) {
        die "$name answered $result{n} requests, of which its backend saw"
            . " $requests\n";
    }

    if (!$load{may_reconnect} && $connections > $requests / REUSED) {
        die "$name made $connections new connections to its backend for"
            . " $requests requests: it does not keep them\n";
    }

    check_log($name, $server, $result{n});

    return { %result, cost => $cpu / $result{n} };
}


# The script for wrk that calls a random one of so many functions; the work is
# the same for one.
sub random_function {
    my ($n) = @_;

    return "request = function()\n"
        . "    return wrk.format('GET', string.format('/function/f%05d/',"
        . " math.random(0, $n - 1)))\nend\n";
}


# What wrk has printed, in numbers.
sub wrk_result {
    my ($name, $res) = @_;

    my $out = $res->{output};
    my ($n) = $out =~ /(\d+) requests in /;
    my ($rate) = $out =~ m{Requests/sec: +([\d.]+)};

    if ($res->{status} != 0 || !$n || !$rate
        || $out =~ /Non-2xx|Socket errors/)
    {
        die "$name has not answered all requests:\n$out\n";
    }

    my %p = map { $_ => us_of($out, $_) } 50, 99;

    return { n => $n, rate => $rate, p50 => $p{50}, p99 => $p{99} };
}


# A percentile of the latency, in microseconds.
sub us_of {
    my ($out, $percentile) = @_;

    my ($value, $unit) = $out =~ /^ +$percentile% +([\d.]+)(us|ms|s|m|h)$/m
        or die "wrk prints no latency:\n$out\n";

    return $value * $seconds{$unit} * 1e6;
}


# Both sides have to have written what they were asked for; the next turn
# begins with an empty file.
sub check_log {
    my ($name, $server, $n) = @_;

    my $file = $server->prefix . '/logs/access.log';

    # combined has more than 60 bytes a line
    die "$name writes no access log\n" if (-s $file // 0) < $n * 60;
    truncate $file, 0 or die "cannot truncate $file: $!\n";

    return;
}


# CPU microseconds that these processes have used so far.
sub cpu {
    my $sum = 0;

    for my $pid (@_) {
        my ($ns) = (slurp("/proc/$pid/schedstat") // '') =~ /^(\d+)/;

        die "a worker has ended\n" if !$ns;
        $sum += $ns / 1000;
    }

    return $sum;
}


# The kernel's record of the most memory a process had begins anew.
sub forget_peak {
    my ($pid) = @_;

    open my $out, '>', "/proc/$pid/clear_refs" or return;
    print {$out} "5\n";
    close $out;

    return;
}


# The most memory that these processes had, in KiB.
sub peak {
    my $sum = 0;

    for my $pid (@_) {
        my ($kib) = (slurp("/proc/$pid/status") // '') =~ /^VmHWM:\s+(\d+)/m;

        $sum += $kib // 0;
    }

    return $sum;
}


# One field of results.
sub column {
    my ($results, $field) = @_;

    return map { $_->{$field} } @$results;
}


sub median {
    my @sorted = sort { $a <=> $b } @_;
    my $half = int(@sorted / 2);

    return @sorted % 2 ? $sorted[$half]
        : ($sorted[$half - 1] + $sorted[$half]) / 2;
}


# The smallest and the greatest.
sub spread {
    my @sorted = sort { $a <=> $b } @_;

    return @sorted[0, -1];
}


1;
