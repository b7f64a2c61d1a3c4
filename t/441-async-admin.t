#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Asynchronous calls in the admin API, and what functions' annotations say of
# them.  If this fails, an operator does not see what waits or was given up, or
# cannot have it tried again; or a worker never learns how to retry.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::AsyncCall qw(call_of);
use Faas::Test;
use JSON::PP qw(decode_json);
use MIME::Base64 qw(decode_base64);
use Test::More;

use constant WAIT => 30;
use constant KEY => 'env.openfaas-fn';


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)]);

$t->start_stack(nginx => { vars => { WORKERS => 1 } });
$t->deploy('env');

sub ask {
    my ($method, $path) = @_;

    my $res = $t->admin($method => "/system/async$path");

    return $res->{status} =~ /^20/ && length $res->{body}
        ? decode_json($res->{body}) : $res->{status};
}

# A call that was given up, as a worker does it.
sub give_up {
    my ($name, $body, %header) = @_;

    my $id = $t->post("/async-function/$name/p%41th?q", $body, \%header)
        ->{headers}{'x-call-id'};
    my $f = call_of($t, $id)->{f};
    my ($entry) = grep { $_->[1][1] eq $id }
        @{ $t->redis('XRANGE', "faas:async:q:$f", '-', '+') };

    $t->redis('XDEL', "faas:async:q:$f", $entry->[0]);
    my $y = $t->redis('XADD', 'faas:async:dead', '*', 'c', $id, 'f', $f);
    $t->redis('HSET', "faas:async:call:$id", f => $f, t => 1_700_000_000_000,
        s => 'dead', e => '', y => $y,
        n => 3, c => 503, x => "no \xffreplica", o => 1_700_000_000_000);
    $t->redis('HINCRBY', 'faas:async:totals', 'calls', -1);

    return $id;
}

sub queued { return $t->redis('XLEN', 'faas:async:q:' . KEY); }

# nothing yet

is_deeply(ask(GET => ''), { calls => 0, bytes => 0, delayed => 0, dead => 0,
    functions => [] }, 'nothing waits');
is_deeply(ask(GET => '/dead'), { calls => [] }, 'nothing was given up');
is_deeply(ask(DELETE => '/dead'), { purged => 0 }, 'nothing to forget');
is_deeply(ask(POST => '/dead/retry'), { retried => 0 }, 'nothing to retry');
is(ask(GET => '/calls/none'), 404, 'no such call');
is(ask(DELETE => '/calls/none'), 404, 'nor to forget');
is(ask(POST => '/calls/none/retry'), 404, 'nor to retry');

# what waits

my $id = $t->post('/async-function/env/x', 'abc')->{headers}{'x-call-id'};
my $depths = ask(GET => '');

is($depths->{calls}, 1, 'one waits');
cmp_ok($depths->{bytes}, '>', 3, 'its size');
is_deeply([map { [@$_{qw(function waiting)}] } @{ $depths->{functions} }],
    [[KEY, 1]], 'for whom');
like($depths->{functions}[0]{oldest_ms}, qr/^\d+$/, 'and how long');
is(ask(POST => "/calls/$id/retry"), 409, 'only a dead one is retried');
is(ask(GET => "/calls/$id")->{state}, 'queued', 'it is shown');
is(ask(DELETE => "/calls/$id"), 202, 'and taken back');
is(ask(GET => "/calls/$id")->{state}, 'cancelled', 'it is');
$t->redis('HSET', "faas:async:call:$id", s => 'running');
is(ask(DELETE => "/calls/$id"), 409, 'one that runs is not');

# what was given up

my $body = join '', map { chr } 0 .. 255;
my @dead = map { give_up('env', $body, 'x-n' => [$_, "\xe9"]) } 1 .. 5;
my $list = ask(GET => '/dead');

is_deeply([map { $_->{id} } @{ $list->{calls} }], \@dead, 'all, oldest first');
is(delete($list->{calls}[0]{accepted_ms}) > 1_600_000_000_000 ? 1 : 0, 1,
    'when it was accepted');
is_deeply($list->{calls}[0], { id => $dead[0], function => KEY, attempts => 3,
    status => 503, error => 'no ?replica', died_ms => 1_700_000_000_000 },
    'what is known of it');
ok(!exists $list->{next}, 'that is all');

$list = ask(GET => '/dead?limit=2');
is_deeply([map { $_->{id} } @{ $list->{calls} }], [@dead[0, 1]], 'two');
$list = ask(GET => "/dead?limit=3&after=$list->{next}");
is_deeply([map { $_->{id} } @{ $list->{calls} }], [@dead[2 .. 4]], 'the rest');
is(scalar @{ ask(GET => '/dead?function=env')->{calls} }, 5, 'by function');
is(scalar @{ ask(GET => '/dead?function=other')->{calls} }, 0, 'no other');

for my $query (qw(limit=0 limit=1001 limit=x after=a function=../x
    function=a%20b)) {
    is(ask(GET => "/dead?$query"), 400, $query);
}

# the connection closes behind the answer
for my $request ([GET => '/dead'], [DELETE => '/dead'],
    [POST => '/dead/retry'])
{
    is($t->scaler_api($request->[0], "/system/async$request->[1]?function="
        . 'a' x 300)->{status}, 400, "@$request: a name too long");
}

my $call = ask(GET => "/calls/$dead[1]");

is($call->{state}, 'dead', 'one of them');
is($call->{method}, 'POST', 'its method');
is($call->{path}, '/p%41th?q', 'its path');
is(decode_base64($call->{body}), $body, 'its body');
is($call->{size}, 256, 'as long as it was');
is_deeply($call->{headers}{'x-n'}, ['2', '?'], 'its headers');

is(ask(POST => "/calls/$dead[1]/retry"), 202, 'tried again');
is(queued(), 2, 'it is queued, behind the one that was taken back');
is_deeply([@{ ask(GET => "/calls/$dead[1]") }{qw(state attempts)}],
    ['queued', undef], 'as if it were new');
is(ask(DELETE => "/calls/$dead[0]"), 202, 'forgotten');
is(ask(GET => "/calls/$dead[0]"), 404, 'it is');
is_deeply(ask(POST => '/dead/retry?function=other'), { retried => 0 },
    'none of another function');
is_deeply(ask(POST => '/dead/retry?function=env'), { retried => 3 },
    'all of one');
is(queued(), 5, 'they are queued');
is(ask(GET => '')->{calls}, 4, 'and counted');

# more than one step, and all at once

give_up('env', '') for 1 .. 450;
is(scalar @{ ask(GET => '/dead?limit=1000')->{calls} }, 450, 'a long list');
is_deeply(ask(DELETE => '/dead?function=none'), { purged => 0 }, 'none');
is_deeply(ask(DELETE => '/dead'), { purged => 450 }, 'all are forgotten');
is(scalar(@{ $t->redis('KEYS', 'faas:async:call:*') }), 5, 'wholly');
is(scalar(@{ $t->redis('KEYS', 'faas:async:request:*') }), 4,
    'with what was asked');

# methods, password

is(ask(PUT => '/dead'), 405, 'no such method');
is(ask(GET => '/other'), 404, 'no such path');
is($t->get('/system/async')->{status}, 401, 'not without the password');

# annotations

sub deploy {
    my ($name, %annotations) = @_;

    return $t->admin(POST => '/system/functions', { service => $name,
        image => 'env', envProcess => 'cat', annotations => \%annotations,
        labels => { 'com.openfaas.scale.min' => '0' } });
}

sub settings { return $t->redis('HGET', 'faas:async:settings', "$_[0]." .
    'openfaas-fn'); }

is(deploy('all', 'com.openfaas.retry.attempts' => '4',
    'com.openfaas.retry.codes' => '429,503', topic => 'a, cron-function',
    'com.openfaas.retry.min_wait' => '1s', schedule => '*/5 * * * *',
    'com.openfaas.retry.max_wait' => '2m',
    'com.openfaas.queue.max_inflight' => '7')->{status}, 202, 'all of them');
wait_for(sub { defined settings('all') }, WAIT, 'settings');
is_deeply(decode_json(settings('all')), { attempts => 4, codes => [429, 503],
    min_wait_ms => 1000, max_wait_ms => 120_000, max_inflight => 7,
    schedule => '*/5 * * * *' }, 'are known');
deploy('topic', topic => 'other', schedule => '* * * * *');
deploy('one', 'com.openfaas.retry.attempts' => '2');
wait_for(sub { defined settings('one') }, WAIT, 'settings');
ok(!defined settings('topic'), 'nothing where nothing is said');
$t->admin(PUT => '/system/functions', { service => 'one', image => 'env',
    envProcess => 'cat', annotations => { 'com.openfaas.retry.attempts' =>
    '3' } });
wait_for(sub { (settings('one') // '') eq '{"attempts":3}' }, WAIT, 'update');
$t->admin(DELETE => '/system/functions', { functionName => 'one' });
wait_for(sub { !defined settings('one') }, WAIT, 'the end of it');
pass('settings follow the function');
$t->redis('HSET', 'faas:async:settings', 'stranger.openfaas-fn', '{}');
$t->scaler->crash;
$t->redis(qw(DEL faas:async:settings));
$t->redis('HSET', 'faas:async:settings', 'stranger.openfaas-fn', '{}');
$t->start_scaler;
wait_for(sub { defined settings('all') && !defined settings('stranger') },
    WAIT, 'settings of the next scaler');
pass('all is written anew');

for my $case (['com.openfaas.retry.attempts', '0'],
    ['com.openfaas.retry.attempts', '1001'],
    ['com.openfaas.retry.codes', '99'], ['com.openfaas.retry.codes', 'x'],
    ['com.openfaas.retry.codes', join ',', (503) x 17],
    ['com.openfaas.retry.min_wait', '10x'],
    ['com.openfaas.retry.max_wait', '25h'],
    ['com.openfaas.queue.max_inflight', '-1'],
    ['schedule', '* * * *', topic => 'cron-function'],
    ['schedule', '@every 5m', topic => 'cron-function'],
    ['schedule', '0 0 1 1 ' . '1' x 300, topic => 'cron-function'])
{
    my $res = deploy('bad', @$case);

    is($res->{status}, 400, "$case->[0]: $case->[1]");
    like($res->{body}, qr/^annotation \Q$case->[0]\E/, 'what is wrong');
}

# Redis is away

$t->redis_proc->stop;
wait_for(sub { ask(GET => '') eq 503 }, WAIT, '503');
is(ask(GET => '/dead'), 503, 'nothing to be said');
is(ask(DELETE => '/calls/x'), 503, 'nor done');

$t->finish;
