#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Requests that wait for a replica.  If this fails, a call of a function that
# is scaled to zero fails instead of waiting, waits too long or for ever, is
# overtaken by later ones, or waiting calls of gone clients fill the gateway.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);
my $backend = $t->start_backend;

$t->start_redis;
$t->publish('cold');
$t->start_nginx(vars => { WORKERS => 3, PARK => '20s' });
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub metric {
    my ($name, $function) = @_;

    return $t->get('/metrics')->{body}
        =~ /^\Q$name\E\{function_name="\Q$function\E\.openfaas-fn"\} (\d+)$/m
        ? $1 : -1;
}

sub parked { return metric('faas_function_parked', $_[0]); }

sub inflight {
    return metric('gateway_function_invocation_inflight', $_[0]);
}

sub until_parked {
    my ($function, $n) = @_;
    return wait_for(sub { parked($function) == $n }, 10, "$n parked");
}

sub clients {
    my ($n, @request) = @_;

    my @clients = map { Faas::HTTP->new($t->addr) } 1 .. $n;
    $_->send_request(@request) for @clients;

    return @clients;
}

# The function has no replica, and every worker knows.
sub cool {
    my ($function, @route) = @_;

    $t->publish($function, @route);
    wait_for(sub { metric('gateway_service_count', $function) == 0 }, 10,
        'route');

    return;
}

sub wakes {
    my ($function) = @_;

    my $list = $t->redis(qw(XRANGE faas:wake - +));

    return grep { { @{ $_->[1] } }->{name} eq "$function.openfaas-fn" } @$list;
}


# a cold function

my @client = clients(20, GET => '/function/cold/status/201');
until_parked('cold', 20);
is(inflight('cold'), 0, 'parked calls are not in flight');

# once when they begin, whenever there are twice as many, and each second
my %wake;
wait_for(sub {
    %wake = map { @{ $_->[1] } } (wakes('cold'))[-1] if wakes('cold');
    return ($wake{parked} // 0) >= 16;
}, 10, 'the entry in Redis');
cmp_ok(scalar wakes('cold'), '<', 12, 'twenty calls ask a few times');
cmp_ok($wake{parked}, '<=', 20, 'and say how many they are');
like($t->redis(qw(ZRANGE faas:gateways 0 -1))->[0], qr/^\Q$wake{gateway}\E$/,
    'the entry names the gateway');

my $load = $t->redis('HGET', "faas:load:$wake{gateway}", 'cold.openfaas-fn');
wait_for(sub {
    $load = $t->redis('HGET', "faas:load:$wake{gateway}", 'cold.openfaas-fn');
    return $load && (split / /, $load)[4] == 20;
}, 10, 'the report');
pass('the load that is reported has them as parked');

$t->publish('cold', $backend->addr);
is($_->response->{status}, 201, 'it goes on with the first replica')
    for @client;
wait_for(sub { parked('cold') == 0 && inflight('cold') == 0 }, 10, 'none');
my $page = $t->get('/metrics')->{body};
like($page, qr/^faas_function_parked_seconds_count\{\S*cold\S*\} 20$/m,
    'the time that they waited is in a histogram');
my @lines = wait_for(sub {
    my @found = grep { m{/function/cold/} }
        split /\n/, slurp($t->nginx->prefix . '/logs/access.log');
    return @found == 20 ? \@found : undef;
}, 10, 'the access log');
ok(!(grep { !/"parked_ms":[1-9]\d*,/ } map { @$_ } @lines),
    'and in the access log');

# one that was up meanwhile is asked for at once: less than a second after the
# last time

$t->publish('again');

for my $round (1 .. 6) {
    my $http = Faas::HTTP->new($t->addr);

    cool('again');
    $http->send_request(GET => '/function/again');
    wait_for(sub { wakes('again') == $round }, 10, "wake-up $round");
    $t->publish('again', $backend->addr);
    is($http->response->{status}, 200, "call $round is answered");
}

my @asked = map { $_->[0] =~ /^(\d+)/ } wakes('again');
my @gaps = sort { $a <=> $b } map { $asked[$_] - $asked[$_ - 1] } 1 .. $#asked;
cmp_ok($gaps[0], '<', 900, 'a function that was up meanwhile is asked for at '
    . 'once');

# bodies

for my $case (['a body', 'x' x 10], ['a large body', 'y' x 3_000_000]) {
    my ($what, $body) = @$case;

    cool('cold');
    my $client = Faas::HTTP->new($t->addr);
    $client->write("POST /function/cold/echo HTTP/1.1\r\nHost: x\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n"
        . substr $body, 0, 5);
    until_parked('cold', 1);
    $t->publish('cold', $backend->addr);
    $client->write(substr $body, 5);
    my $res = $client->response;
    is($res->{status}, 200, "$what: answered");
    ok($res->{body} eq $body, "$what: intact");
}

cool('cold');
my $client = Faas::HTTP->new($t->addr);
$client->write("POST /function/cold/echo HTTP/1.1\r\nHost: x\r\n"
    . "Content-Length: 4\r\nExpect: 100-continue\r\n\r\n");
until_parked('cold', 1);
ok(!$client->fill(0.2), 'a parked call is not told to send its body');
$t->publish('cold', $backend->addr);
like($client->read_some, qr/^HTTP\/1.1 100 /, 'when it goes on it is');
$client->write('body');
is($client->response->{body}, 'body', 'and the function gets it');

# clients that go

cool('cold');
@client = clients(12, GET => '/function/cold');
until_parked('cold', 12);
$_->abort for @client[0 .. 3];
$_->close for @client[4 .. 7];
until_parked('cold', 4);
pass('a client that goes away frees its place');
$client = Faas::HTTP->new($t->addr);
$client->write("POST /function/cold HTTP/1.1\r\nHost: x\r\n"
    . "Content-Length: 100\r\n\r\nabc");
until_parked('cold', 5);
$client->close;
until_parked('cold', 4);
pass('so does one that was to send a body');

# the function is deleted while calls wait

$t->unpublish('cold');
is($_->response->{status}, 404, 'the function is deleted: 404')
    for @client[8 .. 11];
cool('cold');
wait_for(sub { parked('cold') == 0 }, 10, 'none parked');

# time is over

cool('brief', { park_ms => 100 });
my $res = $t->get('/function/brief');
is($res->{status}, 503, 'the wait ends: 503');
is($res->{headers}{'retry-after'}, 1, 'with Retry-After');
is($res->{headers}{'x-openfaas-internal'}, 'gateway', 'marked as ours');
my $error = json_of($res) // {};
like($error->{error}, qr/^No endpoints available for: brief\./, 'says why');
is($error->{hop}, 'gateway', 'names the hop');
is($error->{function}, 'brief.openfaas-fn', 'and the function');
is($error->{setting}, 'com.ngx-faas.park', 'and the setting');
is($error->{call_id}, $res->{headers}{'x-call-id'}, 'and the call');

# too many

cool('small', { queue => 5 });
@client = clients(5, GET => '/function/small');
until_parked('small', 5);
$res = $t->get('/function/small');
is($res->{status}, 429, 'the queue is full: 429');
is($res->{headers}{'retry-after'}, 1, 'with Retry-After');
is((json_of($res) // {})->{setting}, 'com.ngx-faas.queue', 'and the setting');
is(parked('small'), 5, 'no more than allowed are parked');
$t->publish('small', { queue => 5 }, $backend->addr);
is($_->response->{status}, 200, 'those that were parked go on') for @client;

cool('none', { queue => 0 });
$res = $t->get('/function/none');
is($res->{status}, 503, 'a function without a queue: 503 at once');
is((json_of($res) // {})->{setting}, 'com.ngx-faas.queue', 'and the setting');

cool('hasty', { park_ms => 0 });
$res = $t->get('/function/hasty');
is($res->{status}, 503, 'a function that waits for no time: 503 at once');
is((json_of($res) // {})->{setting}, 'com.ngx-faas.park', 'and the setting');

# a place becomes free

$t->publish('narrow', { max_inflight => 2, queue => 3 }, $backend->addr);
wait_for(sub { $t->get('/function/narrow')->{status} == 200 }, 10, 'route');

# an answer is with its client a moment before its place is free
wait_for(sub { inflight('narrow') == 0 }, 10, 'a free function');
@client = clients(5, GET => '/function/narrow/x?gate=open');
wait_for(sub { inflight('narrow') == 2 && parked('narrow') == 3 }, 10,
    'two in flight, three parked');
pass('max_inflight calls are in flight, others wait');
is($t->get('/function/narrow')->{status}, 429, 'and more are refused');
cmp_ok(scalar wakes('narrow'), '>=', 1, 'the scaler is told that they wait');
$client[0]->abort;
wait_for(sub { inflight('narrow') == 2 && parked('narrow') == 2 }, 10,
    'the next one');
pass('a client that goes away lets the next one in');
$t->spew($t->dir . '/backend.open', '');
is($_->response->{status}, 200, 'each gets its place') for @client[1 .. 4];
wait_for(sub { inflight('narrow') == 0 && parked('narrow') == 0 }, 10, 'none');

# a reload, and the end of nginx

cool('cold');
@client = clients(30, GET => '/function/cold');
until_parked('cold', 30);
$t->nginx->reload;
push @client, clients(10, GET => '/function/cold');
until_parked('cold', 40);
$t->publish('cold', $backend->addr);
is(scalar(grep { $_->response->{status} == 200 } @client), 40,
    'calls parked before and after a reload go on');

$t->finish;
