#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Queue workers that end, are killed, lose Redis, or are several.  If this
# fails, a call is lost with its worker, made again although it was not,
# waits behind a slow function, or waits for a bell that nobody rings.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module queue)]);
my $fn = $t->start_backend(name => 'fn');
my $slow = $t->start_backend(name => 'slow');
my $to = $t->start_backend(name => 'callback',
    addr => '127.0.0.1:' . $t->free_port);
my @args = ('--lease', '1500ms', '--callback-allow', '127.0.0.1');

# nobody rings: calls are found nevertheless
$t->start_redis(persist => 1, args => ['--rename-command', 'SUBSCRIBE', '']);
$t->publish('fn', $fn->addr);
$t->publish('slow', $slow->addr);
$t->start_nginx;
wait_for(sub { $t->get('/healthz')->{status} == 200 }, 10, 'routes');

sub call_async {
    my ($path, %headers) = @_;

    my $res = $t->post("/async-function/$path", 'x', \%headers);

    is($res->{status}, 202, "$path is accepted") or diag($res->{body});

    return $res->{headers}{'x-call-id'};
}

sub state_of { return (json_of($t->get("/async-function/$_[0]"))
    // {})->{state} // ''; }

sub wait_state {
    my ($id, $state) = @_;

    return wait_for(sub { state_of($id) eq $state }, 30, "$state call $id");
}

sub seen {
    my ($backend, $id) = @_;

    return grep { ($_->{headers}{'x-call-id'} // '') eq $id }
        $backend->requests;
}

sub open_gate { $t->spew("$t->{dir}/$_[0].$_[1]", ''); return; }

sub metric {
    my ($queue, $name) = @_;

    my $page = http(GET => $queue->{addr}, '/metrics')->{body} // '';

    return ($page =~ /^queue_worker_$name\{[^}]*"fn\.[^}]*\} (\d+)$/m)[0];
}

my $one = $t->start_queue(name => 'one', args => \@args);
my $id = call_async('fn/nobody-rings');

wait_state($id, 'done');
pass('without a bell calls are delivered');
$id = call_async('fn/x', 'x-delay' => 1);
wait_state($id, 'done');
pass('and delayed ones');

# a worker that is killed

$id = call_async('fn/x?gate=killed');
wait_for(sub { seen($fn, $id) }, 10, 'call that runs');
$one->crash;
my $two = $t->start_queue(name => 'two', args => \@args);
wait_for(sub { seen($fn, $id) == 2 }, 30, 'second attempt');
pass("a killed worker's call is made by another one");
open_gate('fn', 'killed');
wait_state($id, 'done');

# a call that lasts longer than the lease has one worker

my $three = $t->start_queue(name => 'three', args => \@args);
$id = call_async('fn/x?gate=long');
wait_for(sub { seen($fn, $id) }, 10, 'call that runs');
my $other = call_async('fn/x', 'x-delay' => 4);
wait_state($other, 'done');
is(scalar seen($fn, $id), 1, 'a long call is not taken by another worker');
open_gate('fn', 'long');
wait_state($id, 'done');
$three->signal('TERM');
wait_for(sub { !$three->running }, 10, 'end of three');

# SIGTERM: what runs comes to its end

$id = call_async('fn/x?gate=drain');
wait_for(sub { seen($fn, $id) }, 10, 'call that runs');
$two->signal('TERM');
wait_for(sub { slurp($two->log_file) =~ /stopping when/ }, 10, 'stopping');
$other = call_async('fn/x');
open_gate('fn', 'drain');
wait_for(sub { !$two->running }, 10, 'end of two');
is($two->status, 0, 'a worker that drains ends with status 0');
is(state_of($id), 'done', 'and has ended its call');
is(scalar seen($fn, $other), 0, 'and takes no other');

# what lasts longer is given back, and counts as no attempt

my $four = $t->start_queue(name => 'four',
    args => [@args, '--drain-timeout', '100ms', '--lease', '1h']);
wait_state($other, 'done');
$id = call_async('fn/x?gate=back');
wait_for(sub { seen($fn, $id) }, 10, 'call that runs');
my $back = call_async('fn/size/5000', 'x-callback-url' =>
    'http://' . $to->addr . '/x?gate=back');
wait_for(sub { seen($to, $back) }, 10, 'callback that runs');
$four->signal('TERM');
wait_for(sub { !$four->running }, 10, 'end of four');
is($four->status, 0, 'the drain has an end');
is(state_of($id), 'queued', 'its call is queued again');
is_deeply($t->redis(HMGET => "faas:async:call:$back", qw(s c k)),
    ['retry', 200, 0], 'its callback as well, with the status');
open_gate('fn', 'back');
open_gate('callback', 'back');
my $five = $t->start_queue(name => 'five',
    args => [@args, '--max-result', 1024]);
wait_state($id, 'done');
wait_state($back, 'done');
is(scalar seen($fn, $back), 1, 'for which the function is not called again');
is_deeply([map { $_->{length} } seen($to, $back)], [5000, 5000],
    'and a result that was kept has no other bound');
is_deeply([map { $_->{headers}{'x-attempt'} } seen($fn, $id)], [1, 1],
    'as it was');

# a second SIGTERM

$id = call_async('fn/x?gate=twice');
wait_for(sub { seen($fn, $id) }, 10, 'call that runs');
$five->signal('TERM');
wait_for(sub { slurp($five->log_file) =~ /stopping when/ }, 10, 'stopping');
$five->signal('TERM');
wait_for(sub { !$five->running }, 10, 'end of five');
is($five->status, 0, 'a second SIGTERM ends it at once');
open_gate('fn', 'twice');

# Redis goes while a call runs: its result waits

my $six = $t->start_queue(name => 'six',
    args => [@args, '--lease', '1h', '--redis-timeout', '1s']);

$id = call_async('fn/x?gate=redis', 'x-callback-url' =>
    'http://' . $to->addr . '/x?gate=redis');
wait_for(sub { seen($fn, $id) }, 10, 'call that runs');
$t->redis_proc->stop;
open_gate('fn', 'redis');
wait_for(sub { seen($to, $id) }, 10, 'callback that runs');
open_gate('callback', 'redis');
wait_for(sub { (metric($six, 'callbacks_total') // 0) == 1 }, 10,
    'callback that is over');
$t->start_redis(persist => 1, args => ['--rename-command', 'SUBSCRIBE', '']);
wait_for(sub { state_of($id) eq 'done' }, 30, 'a result that was kept');
is(scalar seen($fn, $id), 1, 'the function was called once');
is(scalar seen($to, $id), 1, 'and called back once');

# scripts that Redis has forgotten

$t->redis(SCRIPT => 'FLUSH');
$id = call_async('fn/x');
wait_state($id, 'done');
pass('forgotten scripts are loaded again');

# a Redis that may not be written to

sub refusals {
    my @lines = slurp($six->log_file) =~ /^.*refuses.*script=done.*$/gm;

    return @lines;
}

$id = call_async('fn/x?gate=refused');
wait_for(sub { seen($fn, $id) }, 10, 'call that runs');
$t->redis(qw(CONFIG SET min-replicas-to-write 1));
open_gate('fn', 'refused');
wait_for(sub { refusals() >= 2 }, 10, 'two refusals');
$t->redis(qw(CONFIG SET min-replicas-to-write 0));
wait_state($id, 'done');
is(scalar(grep { /error: / } refusals()), 1, 'a refusal is an error once');

# a slow function keeps nobody waiting

my @slow = map { call_async('slow/x?gate=slow') } 1 .. 40;

wait_for(sub { scalar(() = $slow->requests) >= 32 }, 10, 'slow calls');
$id = call_async('fn/x');
wait_state($id, 'done');
is(scalar(() = $slow->requests), 32, 'a function has so many calls at most');
open_gate('slow', 'slow');
wait_state($_, 'done') for @slow;

# a killed worker's call, behind many that others have

$six->signal('TERM');
wait_for(sub { !$six->running }, 20, 'end of six');

my $seven = $t->start_queue(name => 'seven',
    args => [@args, '--max-inflight-per-function', 30]);
my @many = map { call_async('fn/x?gate=many') } 1 .. 30;

wait_for(sub { !grep { !seen($fn, $_) } @many }, 20, 'calls that run');

my $eight = $t->start_queue(name => 'eight', args => \@args);

$id = call_async('fn/x?gate=behind');
wait_for(sub { seen($fn, $id) }, 20, 'call that runs');
$eight->crash;

my $nine = $t->start_queue(name => 'nine',
    args => [@args, '--max-inflight-per-function', 1]);

wait_for(sub { seen($fn, $id) == 2 }, 30, 'second attempt');
pass('a call is found behind many that run');
is(scalar(grep { seen($fn, $_) == 1 } @many), 30, 'which run once');
open_gate('fn', $_) for qw(behind many);
wait_state($_, 'done') for $id, @many;

$t->finish;
