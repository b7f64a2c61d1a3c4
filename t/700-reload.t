#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Reload and restart of nginx.  If this fails, an operator loses calls,
# counters or routes by "nginx -s reload".

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my @backend = map { $t->start_backend(name => "b$_") } 0 .. 1;

$t->start_redis;
$t->publish('echo', map { $_->addr } @backend);
$t->start_nginx;
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub metric {
    my ($name) = @_;

    return $t->get('/metrics')->{body}
        =~ /^\Q$name\E\{[^}]*echo[^}]*\} (\d+)$/m ? $1 : -1;
}

# Answers with status 200.
sub total {
    return $t->get('/metrics')->{body}
        =~ /^gateway_function_invocation_total\{[^}]*echo[^}]*"200"\} (\d+)$/m
        ? $1 : -1;
}

# under load

my $load = $t->start_load(path => '/function/echo', clients => 4);

for my $i (1 .. 4) {
    my $n = $load->requests;

    wait_for(sub { $load->requests > $n + 200 }, 30, 'load');
    $t->nginx->reload;
    pass("reload $i");
}

my $n = $load->requests;
wait_for(sub { $load->requests > $n + 200 }, 30, 'load');

my $sum = $load->finish;
is($sum->{failed}, 0, 'four reloads under load: no call failed')
    or diag(join "\n", @{ $sum->{errors} });
my $started = metric('gateway_function_invocation_started');
cmp_ok($started, '>=', $sum->{requests}, 'no counter was lost');
cmp_ok($started, '<=', $sum->{requests} + $sum->{retried},
    'and none was counted twice');
wait_for(sub { metric('gateway_function_invocation_inflight') == 0 }, 10,
    'nothing in flight');
pass('nothing is left in flight');

# a running call, and routes that change while its old worker lives

my $client = Faas::HTTP->new($t->addr);
$client->send_request(GET => '/function/echo/delay/1500');
wait_for(sub { metric('gateway_function_invocation_inflight') == 1 }, 10,
    'a call in flight');
$t->nginx->reload;
$t->publish('later', $backend[0]->addr);
wait_for(sub { $t->get('/function/later')->{status} == 200 }, 10,
    'a new route');
pass('after a reload routes are followed');
is($client->response->{status}, 200, 'a call that was running is answered');
wait_for(sub { metric('gateway_function_invocation_inflight') == 0 }, 10,
    'nothing in flight');
pass('and not left in flight');

# a reload that is wrong

$t->allow_log(qr/"faas_redis" directive is duplicate/);
$t->nginx->write_conf(vars => { HTTP_EXTRA => 'faas_redis nonsense;' });
my $res = $t->nginx->run('-s', 'reload');
isnt($res->{status}, 0, 'a wrong configuration is not reloaded');
like($res->{output}, qr/"faas_redis" directive is duplicate/,
    'and the reason is given');
is($t->get('/function/echo')->{status}, 200, 'and the old one goes on');
$t->nginx->write_conf(vars => { HTTP_EXTRA => '' });

# more workers, fewer workers

for my $workers (4, 1, 2) {
    $t->nginx->write_conf(vars => { WORKERS => $workers });
    $t->nginx->run('-s', 'reload');
    wait_for(sub { scalar($t->nginx->workers) == $workers }, 20,
        "$workers workers");
    is($t->get('/function/echo')->{status}, 200, "with $workers workers");
}

# another size of the zone: routes and counters are carried over

my $conf = slurp($t->root . '/conf/nginx.conf.in');
my $before = metric('gateway_function_invocation_started');
my $all = total();

for my $size ('64m', '2m', '32m') {
    $load = $t->start_load(path => '/function/echo', clients => 4);
    wait_for(sub { $load->requests > 100 }, 30, 'load');
    $t->nginx->write_conf(conf => $conf
        =~ s/faas_zone faas 32m;/faas_zone faas $size;/r);
    $t->nginx->reload;
    my $then = $load->requests;
    wait_for(sub { $load->requests > $then + 100 }, 30, 'load');
    $sum = $load->finish;
    is($sum->{failed}, 0, "a zone of $size: no call fails")
        or diag(join "\n", @{ $sum->{errors} });
    cmp_ok(metric('gateway_function_invocation_started'), '>=', $before,
        'what was counted is kept');
    $before = metric('gateway_function_invocation_started');
}

cmp_ok(total(), '>=', $all, 'by status as well');
cmp_ok($all, '>', 0, 'there was something to be kept');

# stopped and started

$t->nginx->stop(signal => 'QUIT');
$t->nginx->start;
wait_for(sub { $t->get('/function/echo')->{status} == 200 }, 10, 'the route');
pass('nginx started again reads its routes');
is(metric('gateway_service_count'), 2, 'with all of their replicas');

$t->finish;
