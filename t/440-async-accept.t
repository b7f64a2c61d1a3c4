#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Asynchronous calls, up to the moment they are in the queue.  If this fails,
# a client has its 202 and the call is nowhere, a call is changed on its way,
# or bad wishes and full queues are not told.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::AsyncCall;
use Faas::Test;
use JSON::PP qw(decode_json);
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module)]);

$t->start_redis;
$t->publish('fn');
$t->publish('hidden', { visibility => 'private' });
$t->start_nginx(vars => { WORKERS => 2,
    HTTP_EXTRA => 'faas_async_queue 2000 bytes=8m; faas_async_window 1h;',
    SERVER_EXTRA => 'location /within/ { faas_async internal; '
        . 'faas_async_max_body 3; error_page 413 @faas_error; } '
        . 'location /nowhere/ { faas_async; }' });
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub call_of { return Faas::AsyncCall::call_of($t, @_); }
sub queued { return Faas::AsyncCall::queued($t, @_); }

sub totals { return { @{ $t->redis('HGETALL', 'faas:async:totals') } }; }

sub state_of {
    my ($id) = @_;

    my $res = $t->get("/async-function/$id");

    return $res->{status} == 200 ? decode_json($res->{body}) : $res->{status};
}

sub error_of { return (json_of($_[0]) // {})->{error} // $_[0]{body}; }

# a call, whole

my $body = join '', map { chr } 0 .. 255;
my $res = $t->post('/async-function/fn/a%2Fb/c?x=1&y=%20', $body, {
    'x-custom' => ['one', 'two'], 'content-type' => 'text/odd',
    'connection' => 'keep-alive', 'te' => 'trailers', 'host' => 'example.com',
    'x-callback-url' => 'http://example.com:81/back?x' });
my $id = $res->{headers}{'x-call-id'};

is($res->{status}, 202, 'accepted');
is($res->{body}, '', 'with nothing in the answer');
like($id, qr/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f-]{17}$/, 'its id');
like($res->{headers}{'x-start-time'}, qr/^\d{19}$/, 'its time');

my $call = call_of($id);

is($call->{f}, 'fn.openfaas-fn', 'function');
is($call->{m}, 'POST', 'method');
is($call->{p}, '/a%2Fb/c?x=1&y=%20', 'path and query as sent');
is($call->{b}, $body, 'body, of all bytes');
is($call->{u}, 'http://example.com:81/back?x', 'callback');
is($t->redis('EXISTS', "faas:async:call:$id"), 0, 'nothing more is kept');
is_deeply([queued('fn')], [$id], 'it is in the queue');
is($t->redis('HGET', 'faas:depth', 'fn.openfaas-fn'), 1, 'depth');

my @lines = split /\r\n/, $call->{h};

is_deeply([grep { /^x-custom/i } @lines], ['x-custom: one', 'x-custom: two'],
    'headers of one name');
is_deeply([grep { /^(?:content-type|x-callback-url|x-forwarded-host)/i }
    @lines], ['content-type: text/odd',
    'x-callback-url: http://example.com:81/back?x',
    'X-Forwarded-Host: example.com'], 'headers');
is(scalar(grep { /^traceparent: 00-/ } @lines), 1, 'and its trace');
is_deeply([grep { /^(?:host|connection|te|content-length|x-call-id|
    x-start-time|transfer-encoding|keep-alive):/xi } @lines], [],
    'none that is of the connection');

# what becomes of it

is_deeply(state_of($id), { id => $id, function => 'fn.openfaas-fn',
    state => 'queued', accepted_ms => $call->{t} + 0, attempts => 0,
    callback_url => 'http://example.com:81/back?x' }, 'its state');
is($t->request(HEAD => "/async-function/$id")->{status}, 200, 'HEAD');
is($t->request(DELETE => "/async-function/$id")->{status}, 202, 'cancelled');
is(state_of($id)->{state}, 'cancelled', 'it is');
is($t->request(DELETE => "/async-function/$id")->{status}, 202, 'twice');
is_deeply([queued('fn')], [$id], 'its entry waits to be passed over');
is_deeply(totals(), { calls => 0, bytes => 0 }, 'nothing waits');
ok(!exists call_of($id)->{b}, 'its body is gone');
cmp_ok($t->redis('TTL', "faas:async:call:$id"), '>', 3000, 'known for a while');

$t->redis('HSET', "faas:async:call:$id", 's', $_->[0]),
    is($t->request(DELETE => "/async-function/$id")->{status}, $_->[1],
        "a call that is $_->[0]")
    for ['running', 409], ['done', 409], ['dead', 409];

is(state_of('00000000-0000-4000-8000-000000000000'), 404, 'no such call');
is($t->request(DELETE => '/async-function/none')->{status}, 404, 'nor that');
is($t->get('/async-function/a%20b')->{status}, 404, 'no id at all');
is($t->get('/async-function/')->{status}, 404, 'no id');

# once more, in the way of most calls: a worker that knows the queue is far
# from full has Redis look at nothing

for my $round (1 .. 4) {
    $res = $t->post('/async-function/fn/q?z', $body, { 'x-a' => 'b',
        'x-callback-url' => 'http://example.com/' });
    $call = call_of($res->{headers}{'x-call-id'});
    is_deeply([@$call{qw(f m p b u)}], ['fn.openfaas-fn', 'POST', '/q?z',
        $body, 'http://example.com/'], "the same, $round");
    like($call->{h}, qr/^x-a: b\r$/m, 'its headers');
    like($call->{t}, qr/^\d{13}$/, 'its time');
}

is(totals()->{calls}, 4, 'they are counted');
is($t->redis('HGET', 'faas:depth', 'fn.openfaas-fn'), 5,
    'as is the depth, with the entry of the one that was taken back');
is($t->request(DELETE => "/async-function/$res->{headers}{'x-call-id'}")
    ->{status}, 202, 'taken back');
is(state_of($res->{headers}{'x-call-id'})->{state}, 'cancelled', 'it is');
is(totals()->{calls}, 3, 'and counted no more');

# its id

$res = $t->post('/async-function/fn', '', { 'x-call-id' => 'my_own.id-1' });
is($res->{headers}{'x-call-id'}, 'my_own.id-1', "a client's own id");
is(state_of('my_own.id-1')->{state}, 'queued', 'is in use');
is(call_of('my_own.id-1')->{b}, '', 'an empty body');
$res = $t->post('/async-function/fn', 'x', { 'x-call-id' => 'my_own.id-1' });
is($res->{status}, 202, 'once more');
isnt($res->{headers}{'x-call-id'}, 'my_own.id-1', 'gets another id');
is(call_of($res->{headers}{'x-call-id'})->{b}, 'x', 'for another call');
$res = $t->post('/async-function/fn', 'x', { 'x-call-id' => '../a:b*' });
like($res->{headers}{'x-call-id'}, qr/^[0-9a-f-]{36}$/, 'no key of any kind');

# later

$res = $t->post('/async-function/fn', 'x', { 'x-delay' => 3600 });
$id = $res->{headers}{'x-call-id'};
is($res->{status}, 202, 'later');
is(state_of($id)->{state}, 'delayed', 'it waits');
cmp_ok(abs(state_of($id)->{due_ms} - state_of($id)->{accepted_ms}
    - 3_600_000), '<', 1_000, 'so long');
ok(!grep({ $_ eq $id } queued('fn')), 'not in the queue yet');
is($t->request(DELETE => "/async-function/$id")->{status}, 202, 'taken back');
is($t->redis('ZCARD', 'faas:async:delayed'), 0, 'it does not come');

# once

for my $round (1, 2) {
    my @same = map { $t->post('/async-function/fn', 'x',
        { 'x-idempotency-key' => "key $round" =~ s/ /-/r }) } 1 .. 3;

    is_deeply([map { $_->{status} } @same], [202, 202, 202], 'same key');
    is(scalar(grep { $_->{headers}{'x-call-id'}
        eq $same[0]{headers}{'x-call-id'} } @same), 3, 'is one call');
}

$t->publish('other');
wait_for(sub { $t->post('/async-function/other', 'x',
    { 'x-idempotency-key' => 'key-1' })->{status} == 202 }, 10, 'route');
is(scalar(queued('other')), 1, "another function's key is another");
like($t->redis('PTTL', 'faas:async:same:fn.openfaas-fn:key-1'),
    qr/^3[56]\d{5}$/, 'for so long');

# bodies: chunked, at the bound, over it

for my $case (['exact', 1024 * 1024, 202], ['over', 1024 * 1024 + 1, 413]) {
    my ($name, $size, $status) = @$case;
    my $big = 'y' x $size;

    $res = $t->post('/async-function/fn', $big);
    is($res->{status}, $status, "$name: with a length");
    is(json_of($res)->{setting}, 'faas_async_max_body', 'the setting')
        if $status == 413;

    $res = $t->post('/async-function/fn', sprintf("%x\r\n%s\r\n0\r\n\r\n",
        $size, $big), { 'transfer-encoding' => 'chunked' });
    is($res->{status}, $status, "$name: chunked");
    is(json_of($res)->{setting}, 'faas_async_max_body', 'the setting')
        if $status == 413;

    ok(call_of($res->{headers}{'x-call-id'})->{b} eq $big, 'whole')
        if $status == 202;
}

is($t->post('/within/fn', 'abc')->{status}, 202, 'another location');
is($t->post('/within/fn', 'abcd')->{status}, 413, 'and its bound');

# who may not

is($t->post('/async-function/none', 'x')->{status}, 404, 'unknown function');
is($t->post('/async-function/hidden', 'x')->{status}, 404, 'private function');
is($t->post('/within/hidden', 'x')->{status}, 202, 'but not within');
is($t->post('/async-function/', 'x')->{status}, 404, 'no name');
is($t->post('/async-function', 'x')->{status}, 404, 'no slash');

for my $method (qw(PUT PATCH OPTIONS)) {
    $res = $t->request($method => '/async-function/fn', {}, 'x');
    is($res->{status}, 405, $method);
    is($res->{headers}{allow}, 'POST, GET, HEAD, DELETE', 'says which');
}

for my $case (
    ['x-callback-url', 'ftp://example.com/'],
    ['x-callback-url', '/path'],
    ['x-callback-url', 'http://'],
    ['x-callback-url', 'http:///path'],
    ['x-callback-url', "http://example.com/\x80"],
    ['x-callback-url', 'http://example.com/' . 'a' x 2048],
    ['x-delay', '-1'], ['x-delay', '604801'], ['x-delay', '1s'],
    ['x-delay', '9' x 30],
    ['x-idempotency-key', 'a b'], ['x-idempotency-key', 'k' x 129])
{
    $res = $t->post('/async-function/fn', 'x', { @$case });
    is($res->{status}, 400, substr("$case->[0]: $case->[1]", 0, 50));
    like(error_of($res), qr/^$case->[0] /i, 'what is wrong');
}

is($t->post('/async-function/fn/' . 'p' x 17_000, 'x')->{status}, 414,
    'a path too long');
is($t->post('/async-function/fn', 'x', { map { ("x-$_" => 'v' x 30_000) }
    1 .. 3 })->{status}, 431, 'headers too long');

# many at once, on few connections: each is there, once

my $before = scalar(queued('fn'));
my @client = map { Faas::HTTP->new($t->addr) } 1 .. 8;
my %id;

for my $round (1 .. 40) {
    $_->send_request(POST => '/async-function/fn', {}, "body $round")
        for @client;

    for my $client (@client) {
        my $answer = $client->response;

        $id{ $answer->{headers}{'x-call-id'} } = "body $round"
            if $answer->{status} == 202;
    }
}

is(scalar keys %id, 320, 'many at once');
is(scalar(grep { call_of($_)->{b} eq $id{$_} } keys %id), 320, 'each is there');
is(scalar(queued('fn')) - $before, 320, 'once');

# Redis has forgotten its scripts, and holds what no script expects

$t->redis(qw(SCRIPT FLUSH));
is($t->post('/async-function/fn', 'x')->{status}, 202, 'scripts are loaded');

$t->redis(qw(SET faas:async:q:other.openfaas-fn x));
is($t->post('/async-function/other', 'x')->{status}, 503, 'Redis refuses');
$t->redis(qw(DEL faas:async:q:other.openfaas-fn));

# Redis is full: nothing is left of what it refuses

my $keys = @{ $t->redis(qw(KEYS faas:async:*)) };

$t->redis(qw(CONFIG SET maxmemory 1));

for my $headers ({}, { 'x-call-id' => 'an-id' }) {
    $res = $t->post('/async-function/fn', 'x', $headers);
    is($res->{status}, 503, 'no memory for a call');
    like(error_of($res), qr/or refuses it/, 'it is said so');
}

$t->post('/async-function/fn', 'x') for 1 .. 10;
$t->redis(qw(CONFIG SET maxmemory 0));
is(scalar(@{ $t->redis(qw(KEYS faas:async:*)) }), $keys, 'nothing is left');
cmp_ok(scalar($t->nginx->log_lines(qr/refuses asynchronous calls \("OOM/)),
    '<=', 2, 'why is logged, once a worker');
cmp_ok(scalar($t->nginx->log_lines(qr/"OOM/)), '>=', 1, 'at least');
is($t->post('/async-function/fn', 'x')->{status}, 202, 'and then accepted');

# as many as there may be

my $n = totals()->{calls};
my %status;

for (1 .. 3000) {
    my $status = $t->post('/async-function/fn', '')->{status};

    $status{$status}++;
    last if $status == 503;
}

is($status{202}, 2000 - $n, 'as many as are allowed');
$res = $t->post('/async-function/fn', '');
is($res->{status}, 503, 'and no more');
is(json_of($res)->{setting}, 'faas_async_queue', 'the setting');
is($res->{headers}{'retry-after'}, 1, 'try again');
is(totals()->{calls}, 2000, 'the queue is as full as it may be');
$t->redis('HSET', 'faas:async:totals', 'calls', 0);
$t->post('/async-function/fn', 'z' x 1_000_000) for 1 .. 8;
is(json_of($t->post('/async-function/fn', 'z' x 1_000_000))->{setting},
    'faas_async_queue', 'nor of more bytes');

# Redis is away, stands still, comes back

my $waiting = Faas::HTTP->new($t->addr);

$t->redis_proc->signal('STOP');
$waiting->send_request(POST => '/async-function/fn', {}, '');
$res = $waiting->response;
is($res->{status}, 503, 'Redis stands still');
is(json_of($res)->{hop}, 'redis', 'it says so');
is($res->{headers}{'retry-after'}, 1, 'try again');
is($t->post('/async-function/fn', '')->{status}, 503, 'at once');
is($t->get('/async-function/any')->{status}, 503, 'the same for a state');
$t->redis_proc->signal('CONT');
wait_for(sub { !grep { $t->post('/async-function/fn', '')->{status} != 202 }
    1 .. 20 }, 20, 'Redis, for each worker');
pass('it is back');

# a worker that leaves has the answers first

$t->redis(qw(DEL faas:async:totals));
@client = map { Faas::HTTP->new($t->addr) } 1 .. 4;
$t->redis_proc->signal('STOP');
$_->send_request(POST => '/async-function/fn', {}, 'last') for @client;

my @old = $t->nginx->workers;

$t->nginx->proc->signal('HUP');
wait_for(sub { scalar($t->nginx->log_lines(qr/gracefully shutting down/))
    == @old }, 10, 'workers that leave');
$t->redis_proc->signal('CONT');
is_deeply([map { $_->response->{status} } @client], [(202) x 4],
    'a reload loses none');
$_->close for @client;
wait_for(sub { my %now = map { $_ => 1 } $t->nginx->workers;
    return !grep { $now{$_} } @old }, 20, 'the end of old workers');

# nor does one that has just begun, and is not connected yet

@old = $t->nginx->workers;
$t->redis_proc->signal('STOP');
$t->nginx->reload;
@client = map { Faas::HTTP->new($t->addr) } 1 .. 4;
$_->send_request(POST => '/async-function/fn', {}, 'first') for @client;
wait_for(sub { !grep { !$t->nginx->worker_of($_) } @client }, 10,
    'requests at workers');
$t->redis_proc->signal('CONT');
is_deeply([map { $_->response->{status} } @client], [(202) x 4],
    'a new worker waits for its connection');
$_->close for @client;

# but not for ever

$t->redis_proc->signal('STOP');
$t->nginx->reload;
is($t->post('/async-function/fn', 'x')->{status}, 503, 'for a while');
$t->redis_proc->signal('CONT');

$t->allow_log(qr/Redis refuses script|queue of asynch|OOM command not/);
$t->finish;
