#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# conf/examples/rate-limit.conf, api-keys.conf and auth-request.conf.  If this
# fails, requests that were to be refused reach functions, wake and load them,
# or those that were to go through do not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Example qw(start_examples);
use Faas::HTTP;
use Faas::Test;
use IO::Socket::INET;
use Test::More;

use constant TRIES => 500;      # requests until one has to be refused


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

$t->start_redis;

my $key = '3f0e4c8a1b6d27958c41d0aa97e25b63';
my $key_of_operator = '0c9d2b7fe41a5863b7d29f0e1c64a85d';

my %backend = map { $_ => $t->start_backend(name => $_) }
    qw(one two report);

$t->publish($_, $backend{$_}->addr) for qw(one two report);
$t->publish('Report', $backend{one}->addr);
$t->publish('cold');

mkdir $t->dir . '/nginx';
mkdir $t->dir . '/nginx/conf';
$t->spew($t->dir . '/nginx/conf/api-keys.map',
    "\"$key\" alice;\n\"$key_of_operator\" operator;\n", 0600);

start_examples($t, http => [qw(rate-limit api-keys auth-request)]);

sub calls {
    my ($name) = @_;

    return scalar $backend{$name}->requests;
}

# how many calls the gateway has let in: a replica is started for them
sub admitted {
    my ($name) = @_;

    my ($n) = $t->get('/metrics')->{body}
        =~ /^\w+_invocation_started\{function_name="\Q$name\E\.\S+\} (\d+)$/m;

    return $n // 0;
}

# requests over one connection until one is refused: statuses, counted
sub until_refused {
    my ($path, $client) = @_;

    my %count;

    for (1 .. TRIES) {
        my $res = $client->request(GET => $path);

        $count{ $res->{status} }++;
        last if $res->{status} != 200 && $res->{status} != 503;
    }

    return \%count;
}

sub client {
    my ($from) = @_;

    return Faas::HTTP->of_socket(IO::Socket::INET->new(LocalAddr => $from,
        PeerAddr => $t->addr, Proto => 'tcp'));
}

# limits of requests

my $client = client('127.0.0.1');
my $count = until_refused('/function/one', $client);

is($count->{429}, 1, 'a client with too many requests is refused with 429');
cmp_ok($count->{200}, '>', 20, 'after those it may send at once');
is(calls('one'), $count->{200}, 'the function has had those alone');
is(admitted('one'), $count->{200}, 'and the gateway has counted no other');

is($client->request(GET => '/function/two')->{status}, 200,
    'another function has its own limit');
is(client('127.0.0.2')->request(GET => '/function/one')->{status}, 200,
    'so has another client');
is($client->request(GET => '/healthz')->{status}, 200,
    'what is no function is not limited');

$client = client('127.0.0.3');
until_refused('/function/one', $client);
my %refused;
$refused{ $client->request(GET => '/function/one.openfaas-fn')->{status} }++
    for 1 .. 20;
ok($refused{429}, 'a function\'s full name has no limit of its own');

$client = client('127.0.0.4');
$count = until_refused('/function/cold', $client);
is($count->{429}, 1, 'a function without a replica is limited as well');
is(admitted('cold'), $count->{503}, 'refused requests do not wake it');

# keys

sub with_key {
    my ($path, $value) = @_;

    return $t->get($path, { host => 'api.example.com',
        defined $value ? ('x-api-key' => $value) : () });
}

my $before = admitted('report') + admitted('cold');

is(with_key('/function/report')->{status}, 401, 'without a key: 401');
is(with_key('/function/report', '')->{status}, 401, 'an empty key: 401');
is(with_key('/function/report', 'alice')->{status}, 401, 'a wrong key: 401');
is(with_key('/function/cold', $key)->{status}, 403,
    'a key for other functions: 403');
is(with_key('/function/Report', $key)->{status}, 403,
    'a name in other letters is another function: 403');
is(with_key('/function/report.team', $key)->{status}, 403,
    'so is one of another namespace: 403');
is(with_key('/function/reportx', $key)->{status}, 403,
    'and a longer one: 403');
is(with_key('/function/report/../cold', $key)->{status}, 403,
    'a path that leads to another function: 403');
is(with_key('/', $key)->{status}, 403, 'what is no function: 403');
is(admitted('report') + admitted('cold'), $before,
    'none of these has reached a function');

for my $path (qw(/function/report /function/report/x?y
    /function/report.openfaas-fn /function/cold/../report))
{
    is(with_key($path, $key)->{status}, 200, "$path with the key: 200");
}

my $saw = ($backend{report}->requests)[-1]{headers};

is($saw->{'x-api-client'}, 'alice', 'the function sees whose key it was');
is($saw->{'x-api-key'}, undef, 'but not the key');
is($saw->{host}, 'report.openfaas-fn', 'and what other functions see');

is(with_key('/function/two', $key_of_operator)->{status}, 200,
    'a key for all functions');

# a function that decides

sub as_member {
    my ($path, $headers, $body) = @_;

    return $t->post($path, $body // 'some text',
        { host => 'members.example.com', %{ $headers // {} } });
}

$before = calls('report');

is(as_member('/function/report')->{status}, 500,
    'the deciding function is not deployed: 500');
$t->publish('authorize');
wait_for(sub { $t->get('/function/authorize')->{status} == 503 }, 10,
    'route');
is(as_member('/function/report')->{status}, 500, 'it has no replica: 500');

my $decider = $t->start_backend(name => 'decider');

$t->publish('authorize', $decider->addr);
wait_for(sub { $t->get('/function/authorize')->{status} == 200 }, 10,
    'route');

is(as_member('/function/report', { 'x-answer' => $_ })->{status}, $_,
    "it says $_: so the client is told") for 401, 403;
is(as_member('/function/report', { 'x-answer' => 302 })->{status}, 500,
    'any other answer is an error: 500');
is(calls('report'), $before, 'none of these has reached the function');
is(as_member('/authorize')->{status}, 404, 'clients cannot call it so');

my $n = $decider->requests;
my $res = as_member('/function/report/echo?x=1', { 'x-user' => 'root',
    'x-answer-header' => 'X-User: somebody' });

is($res->{status}, 200, 'it says 200: the function is called');
is($res->{body}, 'some text', 'with the body');
$saw = ($backend{report}->requests)[-1]{headers};
is($saw->{'x-user'}, 'somebody', 'and the user that it was told');

my ($asked) = ($decider->requests)[-1];
is(scalar $decider->requests, $n + 1, 'it was asked once');
is($asked->{path}, '/authorize', 'at its own path');
is($asked->{length}, 0, 'without the body');
is($asked->{headers}{'x-original-method'}, 'POST', 'but with the method');
is($asked->{headers}{'x-original-uri'}, '/function/report/echo?x=1',
    'and the URI');

wait_for(sub {
    $t->get('/metrics')->{body} !~ /_inflight\{[^}]*\} [1-9]/;
}, 10, 'nothing in flight');
pass('no call stays in flight');

$t->finish;
