#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The number of replicas by the load, with the real stack and processes as
# replicas.  If this fails, a function gets more or fewer replicas than its
# calls need, loses calls when it gets them or gives them up, or is changed
# though nobody knows its load.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;

use constant WAIT => 40;


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)]);
my @quick = ('--scale-stable-window', '3s', '--scale-panic-window', '500ms',
    '--scale-hold', '4s', '--scale-down-window', '2s');

$t->start_stack(scaler => { args => [@quick, '--log-level', 'info'] },
    nginx => { vars => { WORKERS => 2, PARK => '30s' } });

# A function that sleeps for so long, with labels.
sub deploy {
    my ($name, $seconds, $labels, %env) = @_;

    my $res = $t->admin(POST => '/system/functions', { service => $name,
        image => 'env', envProcess => "sleep $seconds", envVars => \%env,
        labels => { map { ("com.openfaas.scale.$_" => "$labels->{$_}") }
            keys %$labels } });

    die "deploy of $name: $res->{body}\n" if $res->{status} != 202;

    if ($labels->{min} // 1) {
        $t->wait_available($name);
    } else {
        wait_for(sub { has_route($name) }, WAIT, "route of $name");
    }

    return;
}

# Whether the gateway has it; a call would start a replica.
sub has_route {
    my ($name) = @_;

    my $page = http(GET => '127.0.0.1:' . $t->nginx->metrics_port,
        '/metrics');

    return $page->{body} =~ /^gateway_service_count\{[^}]*"\Q$name\E\./m;
}

sub status {
    my ($name) = @_;

    return json_of($t->admin(GET => "/system/function/$name")) // {};
}

sub wanted { return status($_[0])->{replicas} // -1; }

sub available { return status($_[0])->{availableReplicas} // -1; }

sub scale {
    my ($name, $n) = @_;

    my $res = $t->admin(POST => "/system/scale-function/$name",
        { serviceName => $name, replicas => $n });

    is($res->{status}, 202, "$name to $n by hand");

    return;
}

sub load_on {
    my ($name, $clients, %opt) = @_;

    return $t->start_load(path => "/function/$name", clients => $clients,
        timeout => 60, %opt);
}

sub all_well {
    my ($sum, $what) = @_;

    is($sum->{failed}, 0, "$what: no call has failed")
        or diag(join "\n", @{ $sum->{errors} });

    return;
}

# What the scaler has decided of a function: [from, to, reason].
sub decisions {
    my ($name) = @_;

    return map { [/replicas=(\d+) to=(\d+) reason=(\w+)/] }
        grep { /scaling function=\Q$name\E\./ }
        split /\n/, slurp($t->dir . '/scaler.log');
}

# to zero, and back by a call

deploy('sleepy', 0, { zero => 'true', 'zero-duration' => '1s' });
wait_for(sub { wanted('sleepy') == 0 }, WAIT, 'none');
is(available('sleepy'), 0, 'who is not called has no replica');
is_deeply([map { $_->[2] } decisions('sleepy')], ['idle'], 'as it was idle');
is($t->get('/function/sleepy')->{status}, 200, 'a call starts one');
is((decisions('sleepy'))[-1][2], 'wake', 'because it waits');

for my $round (1 .. 3) {
    wait_for(sub { wanted('sleepy') == 0 }, WAIT, 'none');
    is($t->get('/function/sleepy')->{status}, 200, "again $round");
}

# a spike from zero: as many as wait

deploy('spike', 0.5, { min => 0, max => 16, type => 'capacity' },
    max_inflight => '1');
is(wanted('spike'), 0, 'deployed with none') or diag(explain(status('spike')));

my $load = load_on('spike', 16);

wait_for(sub { wanted('spike') >= 14 }, WAIT, 'replicas for all that wait');
all_well($load->finish, 'spike');
is((decisions('spike'))[0][2], 'wake', 'the first by a wake-up');
wait_for(sub { wanted('spike') == 1 }, WAIT, 'one');
pass('load alone leaves one');

# a step up and down, by calls in flight

deploy('step', 0.5, { max => 10, type => 'capacity', target => 4,
    'target-proportion' => 0.5 });
$load = load_on('step', 12);
wait_for(sub { wanted('step') >= 5 }, WAIT, 'replicas for the load');
pass('a step of load is met');
wait_for(sub { available('step') >= 5 }, WAIT, 'replicas');

my $n = $load->requests;
wait_for(sub { $load->requests > $n + 40 }, WAIT, 'calls');
cmp_ok(wanted('step'), '<=', 7, 'not by more than it needs');
all_well($load->finish, 'step');
wait_for(sub { wanted('step') == 1 }, WAIT, 'one');
pass('and its end is seen');

# by calls a second

deploy('rate', 0, { max => 8, type => 'rps', target => 1 });
$load = load_on('rate', 2);
wait_for(sub { wanted('rate') == 8 }, WAIT, 'the most');
pass('many calls a second: as many as are allowed, and no more');
all_well($load->finish, 'rate');
wait_for(sub { wanted('rate') == 1 }, WAIT, 'one');

# by what it uses of the processor

$t->deploy('env', service => 'busy', envProcess => 'perl -e '
    . '$e=times+0.2;1while(times<$e)', labels => {
        'com.openfaas.scale.type' => 'cpu', 'com.openfaas.scale.max' => '4',
        'com.openfaas.scale.target' => '100' });
$load = load_on('busy', 2);
wait_for(sub { wanted('busy') == 4 }, WAIT, 'the most');
pass('by cores in use');
all_well($load->finish, 'busy');
wait_for(sub { wanted('busy') == 1 }, WAIT, 'one');

# by what waits in the queue

deploy('queued', 0, { max => 6, min => 0, type => 'queue', target => 10,
    'target-proportion' => 1, zero => 'true', 'zero-duration' => '1s' });
$t->redis(qw(HSET faas:depth queued.openfaas-fn 45));
wait_for(sub { wanted('queued') == 5 }, WAIT, 'replicas');
pass('by what waits in the queue');
$t->redis(qw(HSET faas:depth queued.openfaas-fn x));
wait_for(sub { wanted('queued') == 0 }, WAIT, 'none');
$t->redis(qw(HSET faas:depth queued.openfaas-fn 15));
wait_for(sub { wanted('queued') == 2 }, WAIT, 'two');
pass('from zero as well');
$t->redis(qw(DEL faas:depth));
wait_for(sub { wanted('queued') == 0 }, WAIT, 'none');

# those that load does not change

deploy('custom', 0, { max => 8, type => 'custom', target => 1 });
deploy('fixed', 0, { min => 2, max => 2, target => 1 });
$load = load_on('custom', 2);
my $other = load_on('fixed', 2);
$n = $load->requests;
wait_for(sub { $load->requests > $n + 200 && $other->requests > 200 }, WAIT,
    'calls');
is(wanted('custom'), 1, 'type custom');
is(wanted('fixed'), 2, 'min is max');
is($t->admin(POST => '/system/alert', { alerts => [{ status => 'firing',
    labels => { function_name => 'custom.openfaas-fn' } }] })->{status}, 200,
    'an alert');
is(wanted('custom'), 3, 'still adds its part');
all_well($_->finish, 'custom and fixed') for $load, $other;

# by hand: it lasts for a while, also where it is fewer than the least

deploy('hand', 0, { max => 5 });
scale('hand', 4);
is(wanted('hand'), 4, 'it is so');
scale('custom', 5);
deploy('few', 0, { min => 2 });
scale('few', 1);
is(wanted('few'), 1, 'fewer than the least');
wait_for(sub { wanted('hand') == 1 }, WAIT, 'one');
is(wanted('custom'), 5, 'what load does not change stays');
wait_for(sub { wanted('few') == 2 }, WAIT, 'the least');
pass('the least is had again');
scale('hand', 0);
is(wanted('hand'), 0, 'none by hand');
is($t->get('/function/hand')->{status}, 200, 'and a call starts one');

# two gateways: their loads add up, and the one that is killed takes its along

my $second = $t->start_nginx(name => 'second', vars => { WORKERS => 1,
    PARK => '30s' });
my $addr = '127.0.0.1:' . $second->port;

deploy('both', 0.5, { max => 10, type => 'capacity', target => 2,
    'target-proportion' => 1 });
wait_for(sub { http(GET => $addr, '/function/both')->{status} == 200 }, WAIT,
    'the other gateway');
$load = load_on('both', 5);
$other = Faas::Load->start(addr => $addr, path => '/function/both',
    dir => $t->dir, clients => 5, timeout => 60, check => sub { return });
wait_for(sub { wanted('both') >= 5 }, WAIT, 'replicas for both');
pass('the load of two gateways');
$second->proc->crash(group => 1);
wait_for(sub { my $w = wanted('both'); $w <= 4 && $w >= 2 }, WAIT,
    'replicas for one');
pass('a gateway that is killed takes its load along');
all_well($load->finish, 'both');
$other->finish;

# nothing is known: nothing is taken away

deploy('unknown', 0.5, { max => 4, type => 'capacity', target => 1,
    'target-proportion' => 1, zero => 'true', 'zero-duration' => '2s' });
$load = load_on('unknown', 8);
wait_for(sub { wanted('unknown') == 4 }, WAIT, 'replicas');
my @gateway = @{ $t->redis(qw(ZRANGE faas:gateways 0 -1)) };
$t->redis(qw(CONFIG SET maxmemory 1));      # no report is taken
$t->allow_log(qr/OOM command not allowed/);

# until its last report is none any more: longer than both windows, and idle
wait_for(sub { !grep { $t->redis('EXISTS', $_) }
    map { "faas:load:$_" } @gateway }, WAIT, 'the end of the report');
is(wanted('unknown'), 4, 'not fewer than before the silence');
all_well($load->finish, 'unknown');
$t->redis(qw(CONFIG SET maxmemory 0));
wait_for(sub { wanted('unknown') == 0 }, WAIT, 'none');
pass('and none when it is known that nobody calls');

# many cold functions at once

deploy("cold$_", 0, { min => 0 }) for 1 .. 20;

my @client = map { Faas::HTTP->new($t->addr, timeout => 60) } 1 .. 20;

$client[$_ - 1]->send_request(GET => "/function/cold$_") for 1 .. 20;

my @answer = map { $_->response } @client;

is_deeply([map { $_->{status} } @answer], [(200) x 20],
    'twenty cold functions at once')
    or diag(map { "$_->{body}\n" } grep { $_->{status} != 200 } @answer);

# the scaler is killed and another comes: what there is stays

$load = load_on('step', 12);
wait_for(sub { available('step') >= 5 }, WAIT, 'replicas');
$t->scaler->crash;
$n = $load->requests;
$t->start_scaler(args => [@quick, '--log-level', 'info']);
is(available('step') >= 5 ? 1 : 0, 1, 'replicas stay');
wait_for(sub { $load->requests > $n + 60 }, WAIT, 'calls');
cmp_ok(wanted('step'), '>=', 5, 'under load');
all_well($load->finish, 'killed scaler');

# not by load at all

$t->scaler->stop;
$t->start_scaler(args => [@quick, '--scale-by-load', 'false']);
scale('step', 3);
$load = load_on('step', 12);
wait_for(sub { $load->requests > 60 }, WAIT, 'calls');
is(wanted('step'), 3, '--scale-by-load false: the number is not changed');
all_well($load->finish, 'not by load');
is($t->get('/function/cold1')->{status}, 200, 'a cold function is started');

$t->finish;
