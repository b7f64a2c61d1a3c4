#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The scaler where descriptors are short, and replicas that do not end or are
# full.  If this fails, too many replicas or clients make the scaler deaf, and
# nobody can ask it for fewer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::HTTP;
use Faas::Proc;
use Faas::Test;
use Test::More;
use Time::HiRes qw(time);

use constant WAIT => 30;    # seconds, for everything that has to happen


my $t = Faas::Test->new(need => [qw(redis-server scaler watchdog)]);
my $dir = $t->dir;
my $started = 0;
my ($addr, $scaler, $log);

mkdir "$dir/functions";
mkdir "$dir/functions/plain";
$t->spew("$dir/functions/plain/handler.sh", <<'END', 0755);
#!/bin/sh
# ends when the file that its input names is there
read -r file
while [ ! -e "$file" ]; do sleep 0.02; done
echo done
END

# a scaler of its own; limit is an argument of ulimit(1)
sub start {
    my ($limit, @args) = @_;

    $started++;
    $addr = "unix:$dir/scaler$started.sock";
    api_at($addr);
    $log = "$dir/scaler$started.log";
    $scaler = Faas::Proc::spawn(name => "scaler$started", log => $log,
        env => Faas::Test::san_env(), cmd => ['sh', '-c',
            "ulimit $limit && exec \"\$0\" \"\$@\"",
            $t->build . '/faas-scaler', '--listen', $addr,
            '--state-dir', "$dir/state$started",
            '--functions-dir', "$dir/functions", '--redis', $t->redis_addr,
            '--redis-prefix', "s$started:",
            '--watchdog', $t->build . '/faas-watchdog', @args]);

    wait_for(sub { http(GET => $addr, '/healthz')->{status} == 200 }, WAIT,
        'a scaler');

    return;
}

sub stop {
    my ($name) = @_;

    $scaler->stop;
    is($scaler->status, 0, "$name: it ends well");
    is_deeply([glob "$dir/state$started/{s,tmp}/*"], [],
        "$name: nothing is left");

    return;
}

sub deploy {
    my ($name, $n, %vars) = @_;

    return call(POST => '/system/functions', { service => $name,
        image => 'plain', envProcess => './handler.sh', envVars => \%vars,
        labels => { 'com.openfaas.scale.min' => "$n",
            'com.openfaas.scale.max' => '64' } })->{status};
}

sub available {
    return json_of(call(GET => "/system/function/$_[0]"))
        ->{availableReplicas};
}

sub wait_available {
    my ($name, $n) = @_;

    wait_for(sub { available($name) == $n }, WAIT, "$n of $name");
    pass("$n of $name");

    return;
}

sub halt {
    my ($pid) = @_;

    kill 'STOP', $pid;
    wait_for(sub { Faas::Proc::proc_state($pid) eq 'T' }, WAIT, 'a halt');

    return;
}

$t->start_redis;

# more replicas than descriptors that one of them may have

start('-Sn 64');
is(deploy('many', 40), 202, 'forty replicas, a limit of 64 that can be raised');
wait_available('many', 40);
unlike(slurp($log), qr/replica ended/, 'none failed to start');
stop('a low limit');

# more replicas than there are descriptors for

start('-n 64');
is(deploy('many', 40), 202, 'forty replicas, a hard limit of 64');
wait_for(sub { slurp($log) =~ /descriptors for no more: raise the limit/ },
    WAIT, 'the log line');
pass('that there are no descriptors is logged, and what to do');
wait_available('many', 16);
is(deploy('other', 1), 202, 'the API still takes functions');
is(call(POST => '/system/scale-function/many', { replicas => 3 })->{status},
    202, 'and fewer replicas');
wait_available('many', 3);
wait_available('other', 1);
is(() = slurp($log) =~ /descriptors for no more/g, 2,
    'which is not logged again and again');

# more clients than there are descriptors for

my @idle = map { Faas::HTTP->new($addr) } 1 .. 100;
wait_for(sub { slurp($log) =~ /cannot accept connections to the admin API/ },
    WAIT, 'the log line');
pass('that nobody can be accepted is logged');
my @before = (split ' ', slurp('/proc/' . $scaler->pid . '/stat'))[13, 14];
my $begin = time;
wait_for(sub { time - $begin > 0.5 }, WAIT, 'half a second');
my @after = (split ' ', slurp('/proc/' . $scaler->pid . '/stat'))[13, 14];
cmp_ok($after[0] + $after[1] - $before[0] - $before[1], '<', 25,
    'and takes no time of the CPU');
cmp_ok(-s $log, '<', 10_000, 'nor fills the log');
$_->close for @idle;
wait_for(sub { call(GET => '/healthz')->{status} == 200 }, WAIT, 'an answer');
pass('when they have gone others are served');
stop('no descriptors');

# a replica that is full is available

start('-c 0', '--stop-timeout', '1s');
is(deploy('full', 1, max_inflight => '1'), 202, 'one request at a time');
wait_available('full', 1);
my ($pid) = $t->replica_pids('full');
my ($sock) = glob "$dir/state$started/s/*.sock";
halt($pid);
my $client = Faas::HTTP->new("unix:$sock");
$client->send_request(POST => '/', {}, "/tmp/go\n");
kill 'KILL', $pid;
wait_for(sub {
    my ($new) = $t->replica_pids('full');
    return defined $new && $new != $pid;
}, WAIT, 'a new process');
wait_available('full', 1);
my $go = $t->inside($t->replica_pids('full'), '/tmp/go');
ok(!-e $go, 'while its only place is taken');
$t->spew($go, '');
is($client->response('POST')->{body}, "done\n", 'the request is answered');

# one that does not end

is(deploy('deaf', 1, write_timeout => '1s'), 202, 'write_timeout of 1s');
wait_available('deaf', 1);
my ($deaf) = $t->replica_pids('deaf');
halt($deaf);
$begin = time;
is(call(DELETE => '/system/functions', { functionName => 'deaf' })->{status},
    202, 'its watchdog does not hear');
wait_for(sub { !alive($deaf) }, WAIT, 'its end');
cmp_ok(time - $begin, '>', 1.9, 'it has write_timeout and a second');
like(slurp($log), qr/replica does not end, killing it replica=deaf-/,
    'then it is killed');

halt($_) for my @rest = $t->replica_pids;
is(call(DELETE => '/system/functions', { functionName => 'full' })->{status},
    202, 'another one, with the default of 30s');
$begin = time;
stop('--stop-timeout');
cmp_ok(time - $begin, '<', 15, 'it is not waited for when the scaler ends');
ok(!grep({ alive($_) } @rest), 'and does not outlive it');

$t->finish;
