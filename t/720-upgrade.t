#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The nginx binary is replaced (USR2, QUIT) while calls run and wait.  If this
# fails, an upgrade loses calls or counters, or lets a function have more
# calls than it can stand while both binaries run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Counter;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;
my $narrow = Faas::Counter->start(dir => $t->dir, name => 'narrow',
    addr => 'unix:' . $t->dir . '/narrow.sock');

$t->start_redis;
$t->publish('echo', $backend->addr);
$t->publish('cold');
$t->publish('narrow', { max_inflight => 2 }, $narrow->addr);

# a new binary gets no environment but what the configuration names

my $nginx = $t->start_nginx(daemon => 1, vars => { MAIN_EXTRA =>
    'env ASAN_OPTIONS; env UBSAN_OPTIONS; env LD_PRELOAD;' });
wait_for(sub { $t->get('/function/echo')->{status} == 200 }, 10, 'routes');

sub gauge {
    my ($name, $function) = @_;

    my $page = http(GET => '127.0.0.1:' . $nginx->metrics_port, '/metrics');

    return ($page->{body} // '')
        =~ /^\Q$name\E\{function_name="\Q$function\E\.openfaas-fn"[^}]*\}
            \ (\d+)$/mx ? $1 : -1;
}

sub parked { return gauge('faas_function_parked', $_[0]); }

$t->get('/function/echo') for 1 .. 9;
wait_for(sub { gauge('gateway_function_invocation_total', 'echo') == 10 }, 10,
    'ten calls');

# calls that run and wait

my $running = Faas::HTTP->new($t->addr);
$running->send_request(GET => '/function/echo/x?gate=upgrade');
my @parked = map { Faas::HTTP->new($t->addr) } 1 .. 20;
$_->send_request(GET => '/function/cold') for @parked;
wait_for(sub { parked('cold') == 20 }, 10, 'twenty parked');
my $load = $t->start_load(path => '/function/narrow/?from=0&to=5',
    clients => 8);

# the new binary

my $old = $nginx->master_pid;
kill 'USR2', $old;
wait_for(sub { $nginx->master_pid && $nginx->master_pid != $old }, 20,
    'the new master');
my $new = $nginx->master_pid;
wait_for(sub { $nginx->log_lines(qr/taken over from the old binary/) }, 10,
    'the line in the log');
pass('the new binary takes the zone over');

# the old one's workers go, when their calls have ended

kill 'WINCH', $old;
my $n = $load->requests;
wait_for(sub { $load->requests > $n + 300 }, 30, 'calls');
is(gauge('gateway_function_invocation_total', 'echo'), 10,
    'the new binary goes on counting where the old one was');
is(parked('cold'), 20, 'and knows what is parked in the old one');
is(gauge('gateway_function_invocation_inflight', 'echo'), 1,
    'and what is in flight there');

my @later = map { Faas::HTTP->new($t->addr) } 1 .. 10;
$_->send_request(GET => '/function/cold') for @later;
wait_for(sub { parked('cold') == 30 }, 10, 'thirty parked');

$t->publish('cold', $backend->addr);
is(scalar(grep { $_->response->{status} == 200 } @parked, @later), 30,
    'calls parked in either binary go on');
$t->spew($t->dir . '/backend.upgrade', '');
is($running->response->{status}, 200, 'the call that ran ends');

kill 'QUIT', $old;
wait_for(sub { !alive($old) }, 20, 'end of the old binary');
$n = $load->requests;
wait_for(sub { $load->requests > $n + 300 }, 30, 'calls');

my $sum = $load->finish;
is($sum->{failed}, 0, 'no call has failed')
    or diag(join "\n", @{ $sum->{errors} });
cmp_ok($narrow->counts->{most}, '<=', 2,
    'max_inflight holds while both binaries run');

wait_for(sub { gauge('gateway_function_invocation_total', 'cold') == 30 }, 10,
    'all counted');
is(gauge('gateway_function_invocation_total', 'echo'), 11,
    'no call was lost from the counters');
is(gauge('gateway_function_invocation_inflight', $_), 0,
    "nothing is left in flight of $_") for qw(echo cold narrow);
is(parked('cold'), 0, 'nor parked');

my @gateways = @{ $t->redis(qw(ZRANGE faas:gateways 0 -1)) };
is(scalar @gateways, 1, 'to the scaler it is the same gateway');

kill 'QUIT', $new;
wait_for(sub { !alive($new) }, 20, 'end of the new binary');

$t->finish;
