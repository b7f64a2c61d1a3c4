# SPDX-License-Identifier: BSD-2-Clause
#
# How the number of replicas follows a load, and what that costs the scaler.

package Bench::Scaling;

use strict;
use warnings;

use Exporter qw(import);
use Faas::Proc qw(fork_child spawn);
use Faas::Test;
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(scaler_cpu step);

use constant {
    STEP     => 64,         # calls at a time
    INFLIGHT => 4,          # that a replica takes
    ACTIVE   => 100,        # functions that are called,
    INTERVAL => 0.005,      # one of them in so many seconds
    SPAN     => 20,         # seconds that the scaler is looked at
    WAIT     => 120,
};


# From no replica to enough of them for a step of calls of 50 ms, whose
# function takes so many at a time: seconds, and calls that have failed.  Enough
# is a place for each call that the gateway has, where it has at least half of
# them: the others are on their way from and to the client, whose machine this
# is as well.
sub step {
    my $t = stack();

    nap_image($t);
    deploy($t, 'nap', './nap', { max => 32, min => 0 },
        { max_inflight => INFLIGHT . '' });
    wait_for(sub { $t->get('/function/nap/')->{status} == 200 }, WAIT,
        'an answer');
    $t->admin(POST => '/system/scale-function/nap', { replicas => 0 });
    wait_for(sub { !$t->replica_pids('nap') }, WAIT, 'the end of it');

    my $start = time;
    my $log = $t->dir . '/wrk.log';
    my $wrk = spawn(name => 'wrk', log => $log, cmd => ['wrk', '-t1', '-c',
        STEP, '-d', WAIT, '--timeout', '60', 'http://' . $t->addr
        . '/function/nap/']);

    wait_for(sub {
        my $status = json_of($t->admin(GET => '/system/function/nap')) // {};

        my $calls = calls_at($t, 'nap');

        return $calls >= STEP / 2 && $calls <= INFLIGHT
            * ($status->{availableReplicas} // 0);
    }, WAIT, 'enough replicas');

    my $took = time - $start;

    sleep 3;            # all that was lost is seen by then
    $wrk->stop(signal => 'INT');

    my ($requests) = slurp($log) =~ /(\d+) requests in/ or die slurp($log);
    my $failed = 0;

    $failed += $_ for slurp($log) =~ /Non-2xx or 3xx responses: (\d+)/,
        slurp($log) =~ /(?:connect|read|write|timeout) (\d+)/g;
    $t->end;

    return ($took, $failed, $requests);
}


# The calls of a function in flight or parked.
sub calls_at {
    my ($t, $name) = @_;

    my $n = 0;

    for ($t->get('/metrics')->{body} =~ /^(?:faas_function_parked
        |gateway_function_invocation_inflight)\{[^}]*"\Q$name\E\.[^}]*\}\ (\d+)$
        /gmx) {
        $n += $_;
    }

    return $n;
}


# What many functions, some of them called, cost the scaler: percent of a
# core, and what it is when none is called.
sub scaler_cpu {
    my ($n) = @_;

    my $t = stack('--max-functions', $n);
    my $pid = $t->scaler->pid;

    deploy($t, "f$_", './wordcount', { zero => 'true',
        min => $_ <= ACTIVE ? 1 : 0 }) for 1 .. $n;
    wait_for(sub { $t->post('/function/f' . ACTIVE, 'a')->{status} == 200 },
        WAIT, 'the last one that is called');
    wait_for(sub { percent($pid, 2) < 5 }, WAIT, 'a scaler at rest');

    my $idle = percent($pid, SPAN);
    my $caller = fork_child(name => 'calls', log => $t->dir . '/calls.log',
        code => sub { call_them($t->addr) });

    sleep 3;

    my $busy = percent($pid, SPAN);

    die "the calls have ended\n" if !$caller->running;
    $caller->stop;
    $t->end;

    return ($busy, $idle);
}


sub stack {
    my (@args) = (@_, split ' ', $ENV{BENCH_SCALER} // '');

    my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler
        watchdog samples musl-gcc wrk)]);

    mkdir $t->dir . '/functions' or die "mkdir: $!\n";
    $t->start_stack(scaler => { args => \@args, functions => $t->dir
        . '/functions' }, nginx => { vars => { WORKERS => 2,
        LOG_LEVEL => 'warn', PARK => '60s' } });
    symlink $t->build . '/samples/wordcount', $t->dir . '/functions/wordcount'
        or die "symlink: $!\n";

    return $t;
}


sub nap_image {
    my ($t) = @_;

    my $dir = $t->dir . '/functions/nap';

    mkdir $dir or die "$dir: $!\n";

    my $res = $t->run('musl-gcc', '-O2', '-static', '-o', "$dir/nap",
        $t->root . '/bench/lib/nap.c');

    die $res->{output} if $res->{status} != 0;

    return;
}


sub deploy {
    my ($t, $name, $process, $labels, $env) = @_;

    my $image = $process =~ s{^\./}{}r;
    my $res = $t->scaler_api(POST => '/system/functions', {
        service => $name, image => $image, envProcess => $process,
        envVars => $env // {}, labels => { map {
            ("com.openfaas.scale.$_" => "$labels->{$_}") } keys %$labels } });

    die "deploy of $name: $res->{body}\n" if $res->{status} != 202;

    return;
}


sub call_them {
    my ($addr) = @_;

    my $client = Faas::HTTP->new($addr);

    for (my $i = 0; ; $i++) {
        my $until = time + INTERVAL;
        my $res = $client->request(POST => '/function/f' . ($i % ACTIVE + 1),
            {}, 'a');

        die "$res->{status} $res->{body}\n" if $res->{status} != 200;
        sleep $until - time if $until > time;
    }
}


# Of a core, over so many seconds.
sub percent {
    my ($pid, $seconds) = @_;

    my ($cpu, $begin) = (cpu_ns($pid), time);

    sleep $seconds;

    return 100 * (cpu_ns($pid) - $cpu) / 1e9 / (time - $begin);
}


sub cpu_ns {
    my ($pid) = @_;

    my $sum = 0;

    for my $file (glob "/proc/$pid/task/*/schedstat") {
        $sum += (split / /, slurp($file) // 0)[0];
    }

    return $sum;
}


1;
