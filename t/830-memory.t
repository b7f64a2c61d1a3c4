#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A worker's memory between calls.  If this fails, glibc gives the buffers of
# each burst of uploads back to the kernel, and the next burst pays a page
# fault for every 4 KiB of them: twice the CPU time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Load;
use Faas::Test;
use Test::More;

use constant {
    CALLS   => 32,              # of a burst
    BURSTS  => 6,
    BODY    => 65_536,
};


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;

$t->start_redis;
$t->publish('echo', $backend->addr);

my $kept = faults_of('');
my $given_back = faults_of('faas_malloc_trim_threshold 128k;');

SKIP: {
    skip('sanitizers have a malloc() of their own', 2) if $t->is_sanitized;

    cmp_ok($kept, '<', 4, 'page faults a call of 64 KiB');
    cmp_ok($given_back, '>', 2 * $kept,
        'more of them where memory is given back at once');
}

$t->finish;


# Page faults a call of a gateway with these settings, once it is warm.
sub faults_of {
    my ($extra) = @_;

    my $nginx = $t->start_nginx(name => $extra ? 'back' : 'kept',
        vars => { WORKERS => 1, HTTP_EXTRA => $extra });
    my $addr = '127.0.0.1:' . $nginx->port;

    wait_for(sub { http(GET => $addr, '/function/echo')->{status} == 200 },
        10, 'routes');

    my ($pid) = $nginx->workers;

    # connections to the function, which stay; then the buffers beside them

    burst($addr, method => 'GET');
    burst($addr, method => 'POST', body => 'x' x BODY);

    my $before = faults($pid);

    burst($addr, method => 'POST', body => 'x' x BODY) for 1 .. BURSTS;

    my $faults = (faults($pid) - $before) / (CALLS * BURSTS);

    diag(sprintf '%s: %.2f page faults a call', $extra || 'as shipped',
        $faults);
    $nginx->stop;

    return $faults;
}


# Calls that are all in flight at a time.
sub burst {
    my ($addr, %opt) = @_;

    my $load = Faas::Load->start(addr => $addr, dir => $t->dir,
        path => '/function/echo/delay/100', clients => CALLS, requests => 1,
        %opt);
    my $sum = $load->wait;

    is($sum->{ok}, CALLS, "all calls of a burst ($opt{method}) are answered")
        or diag("@{ $sum->{errors} }");

    return;
}


# Minor page faults of a process so far.
sub faults {
    my ($pid) = @_;

    my ($rest) = slurp("/proc/$pid/stat") =~ /\) (.*)/;

    return (split / /, $rest)[7];
}
