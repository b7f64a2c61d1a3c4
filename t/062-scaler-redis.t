#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Routes and changes in Redis, and the four steps of taking replicas away.
# If this fails, gateways call replicas that are gone, or lose calls that run.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::HTTP;
use Faas::Proc;
use Faas::Redis;
use Faas::Test;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use constant WAIT => 30;    # seconds, for everything that has to happen


my $t = Faas::Test->new(need => [qw(redis-server scaler watchdog samples)]);
my $dir = $t->dir;

mkdir "$dir/functions";
mkdir "$dir/functions/plain";

sub deploy {
    my ($name, %change) = @_;

    my $res = call($change{method} // 'POST', '/system/functions',
        { service => $name, image => 'plain', envProcess => 'env', %change });

    die "deploy of $name: $res->{body}" if $res->{status} != 202;

    return;
}

sub scale {
    my ($name, $n) = @_;

    return call(POST => "/system/scale-function/$name",
        { replicas => $n })->{status};
}

# all routes in Redis, by key
sub routes {
    my %routes = @{ $t->redis(qw(HGETALL faas:routes)) };

    return { map { $_ => decode_json($routes{$_}) } keys %routes };
}

sub addrs {
    my ($name) = @_;

    my $route = routes()->{"$name.openfaas-fn"} // return;

    return map { $_->{addr} } @{ $route->{endpoints} };
}

# the entries of the stream after an id
sub changes {
    my ($after) = @_;

    return map { { id => $_->[0], @{ $_->[1] } } }
        @{ $t->redis('XRANGE', 'faas:changes', $after // '-', '+') };
}

sub last_rev { return (changes())[-1]{rev}; }

sub pids {
    my ($name) = @_;

    my $pid = $t->scaler->pid;

    return grep {
        (slurp("/proc/$_/environ") // '') =~ /^OPENFAAS_NAME=\Q$name\E$/m
            || (slurp("/proc/$_/environ") // '')
                =~ /\0OPENFAAS_NAME=\Q$name\E\0/
    } grep { Faas::Proc::proc_state($_) !~ /^Z?$/ }
        map { split ' ', slurp($_) // '' }
        glob "/proc/$pid/task/*/children";
}

sub scaler_log { return slurp("$dir/scaler.log") // ''; }

# a gateway that reports this; load of a function: inflight, draining
sub gateway {
    my ($id, $applied, %load) = @_;

    my $redis = Faas::Redis->new($t->redis_addr);
    my $key = "faas:load:$id";

    $redis->command('MULTI');
    $redis->command('ZADD', 'faas:gateways', int time, $id);
    $redis->command('DEL', $key);
    $redis->command('HSET', $key, '*', $applied);
    $redis->command('HSET', $key, "$_.openfaas-fn", join ' ', 1, $applied,
        @{ $load{$_} }, 0, 7, 5, 1, 100, 0, 1000) for keys %load;
    $redis->command('EXEC');

    return;
}

sub no_gateway {
    my ($id) = @_;

    $t->redis('DEL', "faas:load:$id");
    $t->redis('ZREM', 'faas:gateways', $id);

    return;
}

# several looks of the scaler at the drains: it is asked, and answers
sub looks {
    my $stat = sub { ($t->redis('INFO', 'commandstats')
        =~ /^cmdstat_hmget:calls=(\d+)/m)[0] // 0 };
    my $before = $stat->();

    wait_for(sub { $stat->() >= $before + 5 }, WAIT, 'looks at the drains');

    return;
}

# Redis is not there yet

$t->start_scaler(functions => "$dir/functions",
    args => ['--drain-timeout', '20s', '--redis-timeout', '1s']);
deploy('early');
wait_ready('early');
wait_for(sub { scaler_log() =~ /no connection to redis, trying again/ }, WAIT,
    'a line of the log');
pass('without Redis functions start, and it is logged');

$t->start_redis;
wait_for(sub { addrs('early') }, WAIT, 'routes');
pass('when it comes the routes are published');
ok(defined $t->redis(qw(GET faas:epoch)), 'with an epoch');

# what is published

my ($change) = changes();
is($change->{prev}, 0, 'the first change follows none');
my $route = routes()->{'early.openfaas-fn'};
is($route->{replicas}, 1, 'replicas that are wanted');
is_deeply([map { $_->{id} } @{ $route->{endpoints} }], ['early-1'],
    'the id of the replica');
is(http(GET => $route->{endpoints}[0]{addr}, '/')->{status}, 200,
    'its address answers');
cmp_ok(abs($route->{rev} / 1e6 - time), '<', 60,
    'a revision is the time in microseconds');

my $before = (changes())[-1]{id};
deploy('fn');
scale('fn', 3);
wait_ready('fn', 3);
deploy('fn', method => 'PUT');
wait_for(sub { my @a = addrs('fn'); @a == 3
    && join(' ', map { $_->{id} }
        @{ routes()->{'fn.openfaas-fn'}{endpoints} }) eq 'fn-5 fn-6 fn-7' },
    WAIT, 'new replicas');
remove('fn');
wait_for(sub { !exists routes()->{'fn.openfaas-fn'} }, WAIT, 'no route');
pass('a function that is removed has no route');

my @changes = changes($before);
my $first = shift @changes;
my $prev = $first->{rev};
my @broken;

for (@changes) {
    push @broken, "$_->{prev} after $prev" if $_->{prev} != $prev;
    push @broken, "$_->{rev} is not over $prev" if $_->{rev} <= $prev;
    $prev = $_->{rev};
}

is("@broken", '', 'each change names the one before, and revisions grow');
cmp_ok(scalar @changes, '>=', 4, 'there is one for each change of the route');
ok(!grep({ $_->{name} ne 'fn.openfaas-fn' } @changes), 'with its name');
is($t->redis('TYPE', 'faas:changes'), 'stream', 'in a stream');

# Redis loses everything

my $epoch = $t->redis(qw(GET faas:epoch));
deploy("f$_") for 1 .. 5;
wait_ready("f$_") for 1 .. 5;
my $whole = routes();
$t->redis('FLUSHALL');
wait_for(sub { keys %{ routes() } == 6 }, WAIT, 'all routes');
pass('after FLUSHALL all routes come back');
isnt($t->redis(qw(GET faas:epoch)), $epoch, 'with another epoch');
is_deeply([map { routes()->{$_}{endpoints} } sort keys %$whole],
    [map { $whole->{$_}{endpoints} } sort keys %$whole], 'the same ones');
($change) = changes();
is($change->{prev}, 0, 'a change that follows none has all gateways read');
cmp_ok(routes()->{'f1.openfaas-fn'}{rev}, '>',
    $whole->{'f1.openfaas-fn'}{rev}, 'revisions do not go back');

# somebody else's publication

$t->redis(qw(SET faas:epoch other));
$t->redis(qw(HSET faas:routes ghost.openfaas-fn), '{"rev":1,"replicas":0,'
    . '"endpoints":[]}');
wait_for(sub { !exists routes()->{'ghost.openfaas-fn'} }, WAIT, 'its end');
is(scalar keys %{ routes() }, 6, 'what is not ours is removed');

# changes while Redis is away

$t->redis_proc->stop;
wait_for(sub {
    (() = scaler_log() =~ /no connection to redis/g) >= 2;
}, WAIT, 'the loss');
deploy('away');
wait_ready('away');
remove('f1');
is(scale('f2', 2), 202, 'the API works without Redis');
wait_ready('f2', 2);
wait_for(sub { !pids('f1') }, WAIT, 'the end of a replica');
pass('without Redis a drain ends soon');
$t->start_redis;
wait_for(sub { my %r = %{ routes() };
    exists $r{'away.openfaas-fn'} && !exists $r{'f1.openfaas-fn'}
        && @{ $r{'f2.openfaas-fn'}{endpoints} } == 2 }, WAIT, 'the routes');
pass('changes made while Redis was away arrive');

# a restart of the scaler does not go back

my $rev = last_rev();
$t->redis('XADD', 'faas:changes', '*', name => 'x.openfaas-fn',
    rev => $rev + 3_600_000_000, prev => $rev);
$t->scaler->stop;
$t->start_scaler(functions => "$dir/functions",
    args => ['--drain-timeout', '3s']);
wait_ready('away');
wait_for(sub { last_rev() > $rev + 3_600_000_000 }, WAIT, 'a publication');
pass('revisions go on above what Redis has seen, also with a clock behind');
is(scalar keys %{ routes() }, 6, 'all is published when the scaler starts');

# taking replicas away: with gateways

deploy('d', labels => { 'com.openfaas.scale.min' => '2' },
    envVars => { exec_timeout => '25s' });
wait_ready('d', 2);
my ($keep, $leave) = addrs('d');

gateway('one', last_rev(), d => [3, 0]);
gateway('two', last_rev(), d => [1, 0]);
wait_for(sub { json_of(call(GET => '/system/function/d'))->{invocationCount}
    == 10 }, WAIT, 'the count');
pass('invocations are summed over the gateways');

my $old = last_rev();
is(scale('d', 1), 202, 'scale down');
wait_for(sub { addrs('d') == 1 }, WAIT, 'the route');
$rev = last_rev();
cmp_ok($rev, '>', $old, 'the route is published first');
looks();
is(scalar pids('d'), 2, 'no gateway has applied it: the replica stays');

gateway('one', $rev, d => [3, 1]);
gateway('two', $rev);
looks();
is(scalar pids('d'), 2, 'a request still runs on it: it stays');

# it crashes meanwhile
my ($victim) = grep { slurp("/proc/$_/environ")
    =~ m{FAAS_REPLICA=[^\0]*#(\d+)\0} && $leave =~ m{/$1\.sock$} } pids('d');
kill 'STOP', $victim;
my $client = Faas::HTTP->new($leave);
$client->send_request(GET => '/');
kill 'KILL', $victim;
is($client->response('GET')->{status}, 200,
    'one that crashes meanwhile is started again for who waits there');

gateway('one', $old, d => [3, 0]);
looks();
is(scalar pids('d'), 2, 'a gateway that is behind: it stays');
gateway('one', $rev, d => [3, 0]);
wait_for(sub { pids('d') == 1 }, WAIT, 'its end');
pass('nothing is in flight on it at any gateway: it goes');
wait_for(sub { !-e $leave =~ s/^unix://r }, WAIT, 'the end of its socket');
pass('with its socket');

# a removed function of whose name there is another one soon

deploy('again');
wait_ready('again');
my ($first_pid) = pids('again');
gateway('one', last_rev(), again => [1, 0]);
gateway('two', last_rev());
remove('again');
wait_for(sub { !exists routes()->{'again.openfaas-fn'} }, WAIT, 'no route');
deploy('again');
wait_ready('again');
is(scalar pids('again'), 2, 'the old one drains while the new one serves');
kill 'KILL', $first_pid;
wait_for(sub { scaler_log() =~ /starting it again.*replica=again-/ }, WAIT,
    'a crash');
deploy('marker');
wait_for(sub { addrs('marker') }, WAIT, 'a later change');
is(scalar addrs('again'), 1,
    'what happens to the old one does not touch the route of the new one');

# a gateway that dies

no_gateway('two');
gateway('dead', 1);
deploy('e');
wait_ready('e');
remove('e');
wait_for(sub { !addrs('e') }, WAIT, 'no route');
looks();
is(scalar pids('e'), 1, 'a gateway that does not answer holds a replica up');
gateway('one', last_rev());
$t->redis(qw(DEL faas:load:dead));
wait_for(sub { !pids('e') }, WAIT, 'its end');
pass('but not once its load has expired');
wait_for(sub {
    !grep { $_ eq 'dead' } @{ $t->redis(qw(ZRANGE faas:gateways 0 -1)) };
}, WAIT, 'the list without it');
pass('then it is off the list');

# bounded

gateway('one', 1);
deploy('late', envVars => { exec_timeout => '1s' });
wait_ready('late');
my $start = time;
remove('late');
wait_for(sub { !pids('late') }, WAIT, 'its end');
cmp_ok(time - $start, '>', 0.9, 'exec_timeout bounds the wait');
cmp_ok(time - $start, '<', 3, 'of its function');
like(scaler_log(), qr/requests still run .* anyway function=late\.openfaas/,
    'which is logged');

deploy('later');
wait_ready('later');
$start = time;
remove('later');
wait_for(sub { !pids('later') }, WAIT, 'its end');
cmp_ok(time - $start, '>', 2.5, '--drain-timeout bounds it for others');

# the scaler ends while something drains

remove('f3');
wait_for(sub { !addrs('f3') }, WAIT, 'no route');
$t->scaler->stop;
is($t->scaler->status, 0, 'the scaler ends at once while something drains');

# rubbish

$t->redis('DEL', 'faas:routes');
$t->redis(qw(SET faas:routes text));
$t->redis(qw(HSET faas:load:one f2.openfaas-fn rubbish * x));
$t->redis('ZADD', 'faas:gateways', 1, 'x' x 200, 2, "a\nb");
$t->start_scaler(functions => "$dir/functions");
wait_for(sub { $t->redis('TYPE', 'faas:routes') eq 'hash' }, WAIT, 'a hash');
is(scalar keys %{ routes() }, 8, 'rubbish in Redis is replaced');

# Redis answers, but takes nothing, as with a disk that is full

$t->redis(qw(CONFIG SET min-replicas-to-write 1));
deploy('refused');
wait_for(sub { scaler_log() =~ /redis refuses routes/ }, WAIT, 'a line');
like(scaler_log(), qr/redis refuses routes, .* error="NOREPLICAS /,
    'the log says why Redis takes no routes');

# for the routes, and when its time as the leader is over for the lock

wait_for(sub { $t->redis(qw(INFO errorstats)) =~
    /^errorstat_NOREPLICAS:count=(\d+)/m && $1 > 10 }, WAIT, 'more tries');
is(scalar(() = scaler_log() =~ /redis refuses/g), 1, 'once');
$t->redis(qw(CONFIG SET min-replicas-to-write 0));
wait_for(sub { addrs('refused') }, WAIT, 'the route');
wait_for(sub { scaler_log() =~ /redis takes routes again/ }, WAIT, 'a line');
pass('and when it does again');
remove('refused');

# a password

$t->scaler->stop;
$t->redis(qw(CONFIG SET requirepass right));
$t->spew("$dir/password", "wrong\nmore\n");
$t->start_scaler(functions => "$dir/functions", args => [
    '--redis-password-file', "$dir/password", '--redis-db', 3]);
wait_for(sub { scaler_log() =~ /redis refuses AUTH .*WRONGPASS/ }, WAIT,
    'the reason');
pass('a wrong password is named in the log');
unlike(scaler_log(), qr/wrong\b(?!.*WRONGPASS)/, 'but not shown');
$t->scaler->stop;

$t->spew("$dir/password", "right\n");
$t->start_scaler(functions => "$dir/functions", args => [
    '--redis-password-file', "$dir/password", '--redis-db', 3,
    '--redis-prefix', 'p:']);
wait_for(sub {
    my $redis = Faas::Redis->new($t->redis_addr);

    $redis->command(qw(AUTH right));
    $redis->command(qw(SELECT 3));
    $redis->command(qw(HLEN p:routes)) == 8;
}, WAIT, 'routes');
pass('with the right one routes are published, in that database');

$t->finish;
