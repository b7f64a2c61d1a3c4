#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Metrics.  If this fails, dashboards and alerts made for OpenFaaS show
# nothing or lies, or Prometheus cannot read the page at all.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;

use constant LOOK => 5;     # seconds, NGX_HTTP_FAAS_FOLLOW_BLOCK


my $t = Faas::Test->new(need => [qw(nginx redis-server module promtool)]);

$t->start_redis;

my $backend = $t->start_backend;

$t->publish('echo', $backend->addr, $backend->addr);
$t->publish('idle', $backend->addr);
$t->publish('cold');
$t->start_nginx(vars => { WORKERS => 3, PARK => '50ms' });
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

my $addr = '127.0.0.1:' . $t->nginx->metrics_port;

sub scrape {
    my $res = http(GET => $addr, '/metrics');

    is($res->{status}, 200, 'the page is there');

    return $res->{body};
}

sub value {
    my ($page, $name, %label) = @_;

    my $labels = join '.*', map { "$_=\"\Q$label{$_}\E\"" } sort keys %label;

    return $page =~ /^\Q$name\E\{[^}]*$labels[^}]*\} (\S+)$/m ? $1 : undef;
}

$t->get('/function/echo') for 1 .. 20;
$t->get('/function/echo/status/404') for 1 .. 3;
$t->get('/function/echo/status/500') for 1 .. 2;
$t->get('/function/echo/delay/30');
$t->get('/function/cold');
$t->get('/function/nobody');

my $n = 'echo.openfaas-fn';

# a call is counted right after its answer was sent
wait_for(sub {
    my $text = http(GET => $addr, '/metrics')->{body};

    return $text =~ /^gateway_function_invocation_total\{[^}]*"cold\./m
        && $text !~ /_inflight\{[^}]*\} [1-9]/;
}, 10, 'all calls counted');

my $page = scrape();

is(value($page, 'gateway_function_invocation_total', code => 200,
    function_name => $n) // value($page, 'gateway_function_invocation_total',
    function_name => $n), 21, 'calls answered with 200');

my $total = sub {
    my ($function, $code) = @_;

    return $page =~ /^gateway_function_invocation_total\{function_name=
        "\Q$function\E",code="$code"\}\ (\d+)$/mx ? $1 : undef;
};

is($total->($n, 200), 21, '200 is counted');
is($total->($n, 404), 3, '404 is counted');
is($total->($n, 500), 2, '500 is counted');
is($total->('cold.openfaas-fn', 503), 1, 'a 503 of the gateway is counted');
unlike($page, qr/nobody/, 'names that clients invent make no series');

is(value($page, 'gateway_function_invocation_started', function_name => $n),
    26, 'calls started');
is(value($page, 'gateway_function_invocation_inflight', function_name => $n),
    0, 'nothing is in flight');
is(value($page, 'gateway_service_count', function_name => $n), 2,
    'replicas wanted');
is(value($page, 'gateway_service_count', function_name => 'cold.openfaas-fn'),
    0, 'no replica wanted');
like($page, qr/^faas_redis_up 1$/m, 'Redis is up');

# the histogram

my @bucket = $page =~ /^gateway_functions_seconds_bucket\{function_name=
    "echo\.openfaas-fn",code="200",le="([^"]+)"\}\ (\d+)$/mgx;
my @le = @bucket[grep { $_ % 2 == 0 } 0 .. $#bucket];
my @count = @bucket[grep { $_ % 2 } 0 .. $#bucket];

is("@le", '0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 10 +Inf',
    'the buckets are those of OpenFaaS');
is($count[-1], 21, 'the last bucket has all');
is_deeply([sort { $a <=> $b } @count], \@count, 'buckets are cumulated');
cmp_ok($count[2], '<', 21, 'the slow call is in a bucket of its own');

my ($sum) = $page =~ /^gateway_functions_seconds_sum\{function_name=
    "echo\.openfaas-fn",code="200"\}\ (\S+)$/mx;
cmp_ok($sum, '>', 0.03, 'the sum has the slow call in it');
like($page, qr/^gateway_functions_seconds_count\{function_name="echo\.
    openfaas-fn",code="200"\}\ 21$/mx, 'the count agrees');

# tries at replicas, asynchronous calls

my $dead = "unix:$t->{dir}/dead.sock";

$t->publish('half', $dead, $backend->addr);
wait_for(sub { $t->get('/function/half')->{status} != 404 }, 10, 'a route');
$t->get('/function/half') for 1 .. 8;
$t->post('/async-function/half', 'x') for 1 .. 3;
wait_for(sub {
    return http(GET => $addr, '/metrics')->{body}
        !~ /_inflight\{[^}]*\} [1-9]/;
}, 10, 'all calls counted');
$page = scrape();

my %half = map { $_ => value($page, $_, function_name => 'half.openfaas-fn') }
    qw(faas_function_replica_failures_total faas_function_retries_total
    gateway_service_ready_count queue_worker_messages_submitted_total);

cmp_ok($half{faas_function_replica_failures_total}, '>', 0,
    'tries at a replica that is not there are counted');
is($half{faas_function_retries_total},
    $half{faas_function_replica_failures_total},
    'each of them was made up for by another one');
is($half{gateway_service_ready_count}, 2, 'replicas in the route');
is($half{queue_worker_messages_submitted_total}, 3,
    'asynchronous calls accepted');
is(value($page, 'faas_function_retries_total', function_name => $n), 0,
    'a function that was called has its zeros');
unlike($page, qr/^queue_worker_messages_submitted_total\{[^}]*"echo/m,
    'what was never called asynchronously has none');

# the zone, and how old routes are

my $used = sub {
    my ($kind, $text) = @_;

    return value($text // $page, 'faas_zone_records', kind => $kind);
};

is($used->('function'), 4, 'records of functions in use');
is($used->('replica'), 5, 'records of replicas in use');
cmp_ok($used->('series'), '>=', 6, 'series in use');
is($used->('extent'), 0, 'no extent in use');
cmp_ok(value($page, 'faas_zone_records_limit', kind => 'function'), '>', 1000,
    'functions that there is room for');

my $age = sub {
    return http(GET => $addr, '/metrics')->{body}
        =~ /^faas_routes_age_seconds (\S+)$/m ? $1 : undef;
};

wait_for(sub { $age->() <= LOOK }, 30, 'routes that are those of Redis');
$t->publish('wide', map { "127.0.0.1:" . (20000 + $_) } 1 .. 40);
wait_for(sub {
    return $used->('extent', http(GET => $addr, '/metrics')->{body}) == 2;
}, 10, 'extents of a function with many replicas');
$t->unpublish('wide');
$t->unpublish('half');
wait_for(sub {
    my $text = http(GET => $addr, '/metrics')->{body};

    return $used->('function', $text) == 3 && $used->('replica', $text) == 3
        && $used->('extent', $text) == 0;
}, 30, 'records that are free again');
pass('what is deleted gives its records back');

# what is running

my $client = Faas::HTTP->new($t->addr);
$client->send_request(GET => '/function/echo/delay/800');
wait_for(sub {
    value(http(GET => $addr, '/metrics')->{body},
        'gateway_function_invocation_inflight', function_name => $n) == 1;
}, 10, 'one in flight');
pass('a running call is in flight');
$client->response;

# many codes of one function: the last series takes what is left

$t->get("/function/idle/status/$_") for 200, 201, 400 .. 409;
wait_for(sub {
    return http(GET => $addr, '/metrics')->{body}
        !~ /_inflight\{[^}]*\} [1-9]/;
}, 10, 'all calls counted');
$page = scrape();
my @codes = $page =~ /^gateway_function_invocation_total\{function_name=
    "idle\.openfaas-fn",code="(\w+)"\}/mgx;
is(scalar @codes, 8, 'the codes of a function have a bound');
is($total->('idle.openfaas-fn', 'other'), 5, 'the rest is counted as other');

# who may read it, and how

$t->spew($t->dir . '/page', $page);
my $res = $t->run('sh', '-c', "promtool check metrics < '$t->{dir}/page'");
is($res->{status}, 0, 'promtool has nothing to say') or diag($res->{output});

is($t->get('/metrics')->{status}, 200, 'this host may read it on the gateway');
my $refused = http(POST => $addr, '/metrics');
is("$refused->{status} $refused->{body}", '405 ', 'POST is refused');
is(http(HEAD => $addr, '/metrics')->{status}, 200, 'HEAD is answered');
is(http(GET => $addr, '/healthz')->{body}, 'OK', 'healthz is there as well');
is(http(GET => $addr, '/function/echo')->{status}, 404,
    'functions are not called through this listener');

# more than one buffer, and a client that reads slowly

$t->publish("fn$_", $backend->addr) for 1 .. 1500;
wait_for(sub { $t->get('/function/fn1500')->{status} == 200 }, 20,
    'the last function');
$page = scrape();
cmp_ok(length $page, '>', 300_000, 'the page is large');
is(scalar(() = $page =~ /^gateway_service_count\{/mg), 1503,
    'every function is on it once');

my $slow = Faas::HTTP->new($addr);
$slow->send_request(GET => '/metrics');
wait_for(sub { length $slow->read_some > 0 }, 10, 'the first bytes');
is($t->get('/function/echo')->{status}, 200,
    'calls are answered while a scraper is slow');
$slow->abort;

$client = Faas::HTTP->new($addr);
is($client->request(GET => '/metrics')->{status}, 200, "scrape $_ of one "
    . 'connection') for 1 .. 3;

$t->spew($t->dir . '/page', $page);
$res = $t->run('sh', '-c', "promtool check metrics < '$t->{dir}/page'");
is($res->{status}, 0, 'promtool accepts the large page')
    or diag($res->{output});

# without Redis

$t->redis_proc->stop;
wait_for(sub { $age->() > LOOK + 1 }, 30, 'routes that grow old');
like(scrape(), qr/^faas_redis_up 0$/m, 'Redis is away');
$t->start_redis;
$t->publish('echo', $backend->addr);
$t->redis(SET => 'faas:epoch', 'another');
wait_for(sub { $age->() <= LOOK }, 30, 'routes that are those of Redis again');
like(scrape(), qr/^faas_redis_up 1$/m, 'Redis is back');

$t->finish;
