#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The watchdog as the only program of an image beside the function: first
# process of its PID namespace, no libraries, read-only root, no user of its
# own.  If this fails, images from scratch do not start, or fill up with
# zombies.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP qw(http);
use Faas::Proc qw(spawn);
use Faas::Test;
use Test::More;

my $t = Faas::Test->new(need => [qw(watchdog musl-gcc)]);
my $root = $t->dir . '/image';

# a sanitized one needs libraries, which this image does not have
my $binary = ($t->is_sanitized ? $t->root . '/build' : $t->build)
    . '/faas-watchdog';

SKIP: {
    skip('namespaces need root', 1) if $> != 0;
    skip("there is no $binary: run make", 1) if !-x $binary;

    make_image();
    size();
    first_process();
    signals();
}

$t->finish;


# It is in each image.
sub size {
    my $stripped = $t->dir . '/stripped';
    my $res = $t->run('strip', '-o', $stripped, $binary);

    is($res->{status}, 0, 'it can be stripped');
    cmp_ok(-s $stripped, '<=', 128 * 1024, 'it is small');

    return;
}


sub make_image {

    # Writes what it reads, and leaves an orphan that ends a moment later.
    $t->spew($t->dir . '/fn.c', <<'END');
#include <unistd.h>
int main(void)
{
    char buf[4096];
    ssize_t n;
    while ((n = read(0, buf, sizeof(buf))) > 0) {
        if (write(1, buf, (size_t) n) != n) { return 1; }
    }
    if (fork() == 0) {
        close(1);
        close(2);
        setsid();
        usleep(50000);
        _exit(0);
    }
    return 0;
}
END

    # One long-lived process that says which signals it gets.
    $t->spew($t->dir . '/sig.c', <<'END');
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
static void on_signal(int sig) { dprintf(1, "got %d\n", sig); }
int main(void)
{
    signal(SIGHUP, on_signal);
    signal(SIGUSR1, on_signal);
    dprintf(1, "started\n");
    for ( ;; ) { pause(); }
}
END

    mkdir $_ or die "$_: $!\n" for $root, "$root/dev";
    $t->spew("$root/dev/null", '');

    for my $name (qw(fn sig)) {
        my $res = $t->run('musl-gcc', '-static', '-O1', '-o', "$root/$name",
            $t->dir . "/$name.c");
        die "$name is not compiled: $res->{output}\n" if $res->{status};
    }

    $t->run('cp', $binary, "$root/faas-watchdog");

    return;
}


# As a container runtime starts it; the variables are all that it gets.
sub container {
    my ($name, %env) = @_;

    my $port = $t->free_port;
    my $proc = spawn(name => $name, log => $t->dir . "/$name.log", cmd => [
        'unshare', '--pid', '--fork', '--kill-child', '--mount', 'sh', '-c',
        'mount --bind $0 $0 && mount -o remount,ro,bind $0 && '
        . 'mount --bind /dev/null $0/dev/null && '
        . 'exec chroot --userspec=65534:65534 $0 /faas-watchdog', $root],
        env => { %env, port => $port, metrics_port => 0,
            healthcheck_interval => 0, TMPDIR => undef });

    wait_for(sub {
        die slurp($proc->log_file) if !$proc->running;
        return http(GET => $port, '/_/health')->{status} == 200;
    }, 30, 'health of the container');

    # the process that unshare(1) waits for
    my ($pid) = split ' ', slurp('/proc/' . $proc->pid . '/task/' . $proc->pid
        . '/children');

    return ($port, $pid, $proc);
}


sub children {
    my ($pid) = @_;

    return map { split ' ', slurp($_) // '' } glob "/proc/$pid/task/*/children";
}


sub first_process {
    my ($port, $pid, $proc) = container('image', fprocess => '/fn');

    like(slurp("/proc/$pid/status"), qr/^NSpid:\s+\d+\s+1$/m,
        'it is the first process');
    like(slurp("/proc/$pid/status"), qr/^Uid:\s+65534\s/m, 'of no user');
    is(http(POST => $port, '/', {}, 'hello')->{body}, 'hello', 'a call');
    http(POST => $port, '/', {}, 'x') for 1 .. 20;
    wait_for(sub { !children($pid) }, 10, 'end of the orphans');
    pass('orphans are waited for');
    like(slurp($proc->log_file), qr/cannot write the lock file/,
        'a root that cannot be written is told of');
    kill 'TERM', $pid;
    wait_for(sub { !$proc->running }, 10, 'its end');
    $proc->stop(may_be_gone => 1);
    is($proc->status, 0, 'SIGTERM ends it well');

    return;
}


sub signals {
    my ($port, $pid, $proc) = container('signals', fprocess => '/sig',
        mode => 'http', upstream_url => 'http://127.0.0.1:1');
    wait_for(sub { slurp($proc->log_file) =~ /started/ }, 10, 'the function');
    kill 'HUP', $pid;
    kill 'USR1', $pid;
    wait_for(sub {
        my $log = slurp($proc->log_file);
        return $log =~ /got 1\n/ && $log =~ /got 10\n/;
    }, 10, 'both signals');
    pass('signals are passed on to the function');
    kill 'TERM', $pid;
    wait_for(sub { !$proc->running }, 10, 'its end');
    $proc->stop(may_be_gone => 1);
    is($proc->status, 0, 'but SIGTERM ends all');

    return;
}
