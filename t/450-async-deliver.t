#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The queue worker: what it sends, what it tries again, what it gives up.  If
# this fails, an accepted call is not made, made otherwise than it was sent,
# made again where it need not be, or its result is nowhere.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP;
use Faas::Redis;
use Faas::Test;
use JSON::PP qw(decode_json);
use Test::More;
use Time::HiRes qw(time);


my $t = Faas::Test->new(need => [qw(nginx redis-server module queue)]);
my $fn = $t->start_backend(name => 'fn');
my $to = $t->start_backend(name => 'callback',
    addr => '127.0.0.1:' . $t->free_port);

$t->start_redis;
$t->publish('fn', $fn->addr);
$t->publish('cold');
$t->start_nginx(vars => { PARK => '100ms' });
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

my $queue = $t->start_queue(args => ['--callback-allow', '127.0.0.1',
    '--retry-attempts', '3', '--max-result', '4096']);

sub call_async {
    my ($path, $body, %headers) = @_;

    my $res = $t->post("/async-function/$path", $body, \%headers);

    is($res->{status}, 202, "$path is accepted") or diag($res->{body});

    return $res->{headers}{'x-call-id'};
}

sub state_of { return json_of($t->get("/async-function/$_[0]")) // {}; }

sub ended {
    my ($id) = @_;

    wait_for(sub { (state_of($id)->{state} // '') =~ /^(?:done|dead)$/ }, 30,
        "end of $id");

    return state_of($id);
}

# the requests of a call, as a backend has seen them
sub seen {
    my ($backend, $id) = @_;

    return grep { ($_->{headers}{'x-call-id'} // '') eq $id }
        $backend->requests;
}

sub url { return 'http://' . $to->addr . $_[0]; }

# what is sent

my $id = call_async('fn/a%2Fb/c?x=1&y=%20', 'body' x 1000, 'x-custom' => 'one',
    'content-type' => 'text/odd', 'te' => 'trailers',
    'user-agent' => 'mine/1', 'x-empty' => '');

is(ended($id)->{state}, 'done', 'delivered');

my @calls = seen($fn, $id);
my $headers = $calls[0]{headers};

is(scalar @calls, 1, 'once');
is($calls[0]{method}, 'POST', 'by POST');
is($calls[0]{path}, '/a%2Fb/c?x=1&y=%20', 'path and query as they were');
is($calls[0]{length}, 4000, 'the body');
is($headers->{'x-custom'}, 'one', 'its headers');
is($headers->{'content-type'}, 'text/odd', 'its type');
like($headers->{'user-agent'}, qr{^faas-queue/}, 'from us');
ok(!exists $headers->{te}, 'without those of a hop');
ok(!exists $headers->{expect}, 'nor any of libcurl');
ok(!exists $headers->{accept}, 'nor this one');

# an answer that is an error of the function's own is an answer

$id = call_async('fn/status/500', 'x');
is(ended($id)->{state}, 'done', 'status 500 is an answer');
is(state_of($id)->{status}, 500, 'and known');
is(scalar seen($fn, $id), 1, 'not tried again');

# one that was taken back while it waited: its entry is passed over

$queue->signal('STOP');
$id = call_async('fn/back', 'x');
is($t->request(DELETE => "/async-function/$id")->{status}, 202, 'taken back');
my $next = call_async('fn/next', 'x');
$queue->signal('CONT');
is(ended($next)->{state}, 'done', 'the next one is made');
is(scalar seen($fn, $id), 0, 'that one is not');
wait_for(sub { !$t->redis('HGET', 'faas:depth', 'fn.openfaas-fn') }, 10,
    'an empty queue');
is_deeply([@{ $t->redis(qw(KEYS faas:async:request:*)) }], [],
    'and nothing is left of what was asked');

# what is tried again

for my $code (429, 502, 503, 504) {
    $id = call_async("fn/status/$code", 'x');
    is(ended($id)->{state}, 'dead', "status $code is given up at last");
    is(scalar seen($fn, $id), 3, 'after all attempts');
    is_deeply([map { $_->{headers}{'x-attempt'} } seen($fn, $id)], [1, 2, 3],
        'which are counted');
}

$id = call_async('cold', 'x');
is(ended($id)->{state}, 'dead', 'no replica: tried again, then given up');
is(state_of($id)->{attempts}, 3, 'three times');

# a function's own 404 is an answer, that of a gateway without it is not

$id = call_async('fn/status/404', 'x');
is(ended($id)->{state}, 'done', 'status 404 is an answer');

$t->publish('gone', $fn->addr);
wait_for(sub { $t->get('/function/gone')->{status} == 200 }, 10, 'route');
$id = call_async('gone', 'x', 'x-delay' => 1);
$t->unpublish('gone');
is(ended($id)->{state}, 'dead', 'a function that is gone: tried again');
is(state_of($id)->{attempts}, 3, 'to the last attempt');
is(state_of($id)->{status}, 404, 'with the status that the gateway gave');

# the callback

$id = call_async('fn/echo', 'hello', 'content-type' => 'text/odd',
    'x-callback-url' => url('/back?x=1'));
is(ended($id)->{state}, 'done', 'called back');
@calls = seen($to, $id);
is(scalar @calls, 1, 'once');
is($calls[0]{path}, '/back?x=1', 'where it was asked for');
is($calls[0]{length}, 5, 'with the body');
is($calls[0]{headers}{'content-type'}, 'text/odd', "the function's type");
is($calls[0]{headers}{'x-function-status'}, 200, 'status');
is($calls[0]{headers}{'x-function-name'}, 'fn', 'name');
like($calls[0]{headers}{'x-duration-seconds'}, qr/^\d+\.\d{6}$/, 'duration');
is($calls[0]{headers}{'x-backend'}, 'fn', "the function's headers");
ok(!exists $calls[0]{headers}{'x-retry'}, 'no word of retries');

$id = call_async('fn/status/503', 'x', 'x-callback-url' => url('/back'));
is(ended($id)->{state}, 'dead', 'given up');
@calls = seen($to, $id);
is(scalar @calls, 1, 'the last result is called back');
is($calls[0]{headers}{'x-function-status'}, 503, 'with its status');
is($calls[0]{headers}{'x-retry'}, 2, 'the number of retries');
is($calls[0]{headers}{'x-retry-max'}, 2, 'of so many');

# a callback that fails is tried again, and the function is not called again

$id = call_async('fn/echo', 'again', 'x-callback-url' => url('/status/503'));
is(ended($id)->{state}, 'dead', 'a callback that nobody takes');
like(state_of($id)->{error}, qr/^callback: .*503/, 'is said');
is(scalar seen($fn, $id), 1, 'the function was called once');
is(scalar seen($to, $id), 3, 'the callback as often as allowed');
is_deeply([map { $_->{length} } seen($to, $id)], [5, 5, 5],
    'with the result each time');
is($t->redis(HEXISTS => "faas:async:call:$id", 'rc'), 1,
    'a good result is kept, for when it is revived');

# an answer that is too large is no secret

$id = call_async('fn/size/5000', 'x', 'x-callback-url' => url('/large'));
is(ended($id)->{state}, 'done', 'an answer over the bound');
@calls = seen($to, $id);
is($calls[0]{headers}{'x-function-status'}, 502, 'is a 502 for the callback');
is(scalar seen($fn, $id), 1, 'and is not tried again');

$id = call_async('fn/size/500000', 'x');
is(ended($id)->{state}, 'done', 'without a callback any size will do');

# where both fail, it is the function that is called when the call is revived

$id = call_async('fn/status/429', 'x', 'x-callback-url' => url('/status/503'));
is(ended($id)->{state}, 'dead', 'neither was taken');
is(scalar seen($fn, $id), 3, 'function');
is(scalar seen($to, $id), 3, 'callback');
is($t->redis(HEXISTS => "faas:async:call:$id", 'rc'), 0,
    'a failed result is forgotten');

# Retry-After

$id = call_async('fn/x', 'x', 'x-answer' => 503,
    'x-answer-header' => 'Retry-After: 1000');
wait_for(sub { (state_of($id)->{state} // '') eq 'retry' }, 10, 'a retry');
ended($id);
pass('Retry-After is bounded by the longest wait');

# settings of a function

$t->redis(HSET => 'faas:async:settings', 'fn.openfaas-fn',
    '{"attempts":2,"codes":[500],"min_wait_ms":1,"max_wait_ms":2}');
$id = call_async('fn/status/500', 'x');
is(ended($id)->{state}, 'dead', "the function's own codes count");
is(scalar seen($fn, $id), 2, 'and attempts');
$t->redis(HDEL => 'faas:async:settings', 'fn.openfaas-fn');

# many, and none is left behind

my %got;
my @ids = map { $t->post('/async-function/fn', "n$_")->{headers}{'x-call-id'} }
    1 .. 300;

wait_for(sub {
    $got{$_->{headers}{'x-call-id'} // ''}++ for $fn->requests;
    return !grep { !$got{$_} } @ids;
}, 30, 'all of them');
wait_for(sub { ($t->redis(HGET => 'faas:async:totals', 'calls') // 0) == 0 },
    30, 'that nothing is left');
is($t->redis(EXISTS => 'faas:depth'), 0, 'no depth');
is($t->redis(HGET => 'faas:async:totals', 'bytes'), 0, 'no bytes');

# metrics

my $page = http(GET => $queue->{addr}, '/metrics')->{body};
my $labels = '\{queue_name="faas-request",function_name="fn.openfaas-fn"\}';

like($page, qr/^queue_worker_messages_processed_total$labels 3\d\d$/m,
    'delivered ones are counted');
like($page, qr/^queue_worker_messages_dead_total$labels \d+$/m, 'dead ones');
like($page, qr/^queue_worker_callbacks_total$labels \d+$/m, 'callbacks');
is(http(GET => $queue->{addr}, '/other')->{status}, 404, 'nothing else');

# more who ask than there are descriptors for

my ($soft) = slurp('/proc/' . $queue->pid . '/limits')
    =~ /^Max open files +(\d+)/m;

sub limit_files {
    return $t->run('prlimit', '--pid', $queue->pid, "--nofile=$_[0]:");
}

sub ticks {
    my @stat = split ' ', slurp('/proc/' . $queue->pid . '/stat');

    return $stat[13] + $stat[14];
}

is(limit_files(64)->{status}, 0, 'a limit');
my @idle = map { Faas::HTTP->new($queue->{addr}) } 1 .. 100;
wait_for(sub { slurp($queue->log_file) =~ m{cannot accept.* to /metrics} }, 10,
    'the log line');

my ($begin, $ticks) = (time, ticks());

wait_for(sub { time - $begin > 0.5 }, 10, 'half a second');
cmp_ok(ticks() - $ticks, '<', 25, 'want of descriptors takes no time');
is(() = slurp($queue->log_file) =~ /cannot accept/g, 1, 'and one line');
limit_files($soft);
wait_for(sub { http(GET => $queue->{addr}, '/healthz')->{status} == 200 }, 30,
    'an answer');
pass('it answers when there are some');
$_->close for @idle;

# SIGTERM, while Redis is slow to say that nothing waits: for the time of a
# pause, which begins when the bell has rung for a function without calls

my $slow = Faas::Redis->new($t->redis_addr);

$slow->command('MULTI');
$slow->command(PUBLISH => 'faas:async:bell', 'nothing.openfaas-fn');
$slow->command(qw(CLIENT PAUSE 30000 WRITE));
$slow->command('EXEC');
wait_for(sub { $slow->command(qw(CLIENT LIST)) =~ /flags=b.*cmd=evalsha/ }, 10,
    'a take on its way');
$queue->signal('TERM');
wait_for(sub { slurp($queue->log_file) =~ /stopping when/ }, 10, 'stopping');
ok($queue->running, 'a take on its way is waited for');
$slow->command(qw(CLIENT UNPAUSE));
wait_for(sub { !$queue->running }, 10, 'the end');
is($queue->status, 0, 'SIGTERM ends it with status 0');

$t->finish;
