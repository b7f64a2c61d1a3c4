#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What the scaler says of itself to Prometheus.  If this fails, nobody sees why
# functions are scaled, or that no scaler leads.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::Test;
use Test::More;

use constant {
    MANY   => 300,          # functions
    PAGES  => 8,            # EXPORTER_PAGES_MAX
};


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples promtool)]);
my $addr = "unix:$t->{dir}/metrics.sock";
my @args = ('--metrics-listen', $addr);

$t->start_stack(scaler => { args => [@args, '--log-level', 'info'] });

sub page {
    return http(GET => $addr, '/metrics')->{body};
}

# The value of a line; labels as they stand in it.
sub value {
    my ($name, $labels, $text) = @_;

    $labels = defined $labels ? "{$labels}" : '';

    return ($text // page()) =~ /^\Q$name$labels\E (\S+)$/m ? $1 : undef;
}

sub wait_value {
    my ($name, $labels, $value) = @_;

    wait_for(sub { (value($name, $labels) // '') eq $value }, 30,
        "$name $value");
    pass("$name is $value");

    return;
}

my $n = 'function_name="env.openfaas-fn"';

# the scaler

wait_value('faas_scaler_leader', undef, 1);
wait_value('faas_scaler_gateways', undef, 1);
wait_value('faas_scaler_load_complete', undef, 1);
is(value('faas_scaler_redis_up'), 1, 'Redis is up');
is(value('faas_scaler_provider_up'), 1, 'the provider is up');
is(value('faas_scaler_functions'), 0, 'no function yet');

# functions

$t->deploy('env', labels => { 'com.openfaas.scale.min' => '2',
    'com.openfaas.scale.max' => '4', 'com.openfaas.scale.type' => 'capacity',
    'com.openfaas.scale.target' => '2.5' });
$t->wait_available('env', 2);

my $text = page();

is(value('faas_scaler_functions', undef, $text), 1, 'a function');
is(value('faas_function_replicas', $n, $text), 2, 'replicas wanted');
is(value('faas_function_replicas_available', $n, $text), 2, 'replicas there');
is(value('gateway_service_min', $n, $text), 2, 'the least number of them');
is(value('faas_function_replicas_max', $n, $text), 4, 'the greatest');
is(value('faas_function_error', $n, $text), 0, 'nothing is wrong with it');
is(value('gateway_service_target_load', "$n,scaling_type=\"capacity\"",
    $text), '2.500000', 'the target');

# what it uses

wait_for(sub { (value('faas_function_memory_bytes', $n) // 0) > 0 }, 30,
    'memory in use');

my $cpu = value('faas_function_cpu_seconds_total', $n);

wait_for(sub {
    $t->get('/function/env') for 1 .. 20;

    return value('faas_function_cpu_seconds_total', $n) > $cpu;
}, 60, 'CPU time that grows');
$cpu = value('faas_function_cpu_seconds_total', $n);
is(call(POST => '/system/scale-function/env', { serviceName => 'env',
    replicas => 0 })->{status}, 202, 'all replicas are taken away');
wait_value('faas_function_replicas_available', $n, 0);
cmp_ok(value('faas_function_cpu_seconds_total', $n), '>=', $cpu,
    'CPU time does not fall with a replica');

# decisions

my $wake = 'reason="wake",direction="up"';

is(value('faas_scaler_decisions_total', $wake), 0, 'no decision yet');
is($t->get('/function/env')->{status}, 200, 'a call wakes the function');
is(value('faas_scaler_decisions_total', $wake), 1, 'the decision is counted');
is(value('faas_scaler_decisions_total', 'reason="idle",direction="down"'), 0,
    'another is not');

# a function that cannot be started

is(call(POST => '/system/functions', { service => 'broken', image => 'env',
    envProcess => './nothing', envVars => { mode => 'http' } })->{status}, 202,
    'a function whose program is missing');
wait_value('faas_function_error', 'function_name="broken.openfaas-fn"', 1);
is(remove('broken'), 202, 'which goes');

# the admin API

call(GET => '/system/function/nobody') for 1 .. 3;
call(GET => '/nowhere');
$text = page();
is(value('provider_http_requests_total',
    'code="404",method="GET",path="/system/function/"', $text), 3,
    'answers of the admin API are counted by status');
cmp_ok(value('provider_http_requests_total',
    'code="202",method="POST",path="/system/functions"', $text), '>=', 1,
    'those that come later as well');
unlike($text, qr/nowhere|nobody/, 'what clients invent makes no series');

# who reads it

my $res = http(HEAD => $addr, '/metrics');
is("$res->{status} $res->{body}", '200 ', 'HEAD is answered');
like($res->{headers}{'content-type'}, qr{^text/plain; version=0\.0\.4},
    'with the type');
is(http(GET => $addr, '/healthz')->{status}, 200, 'healthz is there as well');
is(http(GET => $addr, '/system/functions')->{status}, 404,
    'the admin API is not');
is(http(POST => $addr, '/metrics')->{status}, 501, 'POST is refused');

# a large page, in parts

my @refused = grep { $_->{status} != 202 } map {
    call(POST => '/system/functions', { service => "f$_", image => 'env',
        envProcess => './handler.sh', labels => {
            'com.openfaas.scale.min' => '0' } });
} 1 .. MANY;

is(scalar @refused, 0, 'many functions');

$text = page();
is(scalar(() = $text =~ /^faas_function_error\{/mg), MANY + 1,
    'the last part has every function');
$t->spew("$t->{dir}/page", $text);
$res = $t->run('sh', '-c', "promtool check metrics < '$t->{dir}/page'");
is($res->{status}, 0, 'promtool has nothing to say') or diag($res->{output});

my @slow = map { Faas::HTTP->new($addr) } 1 .. PAGES;

$_->send_request(GET => '/metrics') for @slow;
$_->read_some for @slow;
is(http(GET => $t->scaler_addr, '/healthz')->{status}, 200,
    'the admin API answers while scrapers are slow');
$_->abort for @slow;
wait_for(sub { http(GET => $addr, '/metrics')->{status} == 200 }, 10,
    'a page after those that were given up');

my $client = Faas::HTTP->new($addr);

is($client->request(GET => '/metrics')->{status}, 200,
    "page $_ of one connection") for 1 .. 3;

# without Redis, and another scaler

$t->redis_proc->stop;
wait_value('faas_scaler_redis_up', undef, 0);
wait_value('faas_scaler_leader', undef, 0);

$t->scaler->stop;
$t->start_redis;
$t->start_scaler(args => \@args);
wait_value('faas_scaler_leader', undef, 1);

$t->finish;
