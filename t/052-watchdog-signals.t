#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Starting and ending.  If this fails, replicas are lost or hang when they are
# scaled down or redeployed: requests in flight are cut, requests in the
# kernel's queue are never answered, processes are left behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP qw(http);
use Faas::Proc qw(alive run_command slurp wait_for);
use Faas::Test;
use Faas::Watchdog;
use Test::More;

my $t = Faas::Test->new(need => ['watchdog']);
my $dir = $t->dir;
my $binary = $t->build . '/faas-watchdog';

$t->spew("$dir/slow.pl", <<"SCRIPT");
\$| = 1;
open my \$f, '>', "$dir/pid.new"; print {\$f} \$\$; close \$f;
rename "$dir/pid.new", "$dir/pid";
print 'begun ' if \$ENV{Http_Path} eq '/begun';
select undef, undef, undef, 0.005 while !-e "$dir/go";
print 'done';
SCRIPT


sub function_pid {
    wait_for(sub { -e "$dir/pid" }, 30, 'function');
    my $pid = slurp("$dir/pid");
    unlink "$dir/pid";

    return $pid;
}


sub ended {
    my ($wd, $status, $what) = @_;

    wait_for(sub { !$wd->proc->running }, 30, 'end of the watchdog');
    is($wd->proc->status, $status << 8, $what);
    $wd->stop(may_be_gone => 1);

    return;
}


sub slow { return (fprocess => "perl $dir/slow.pl"); }


subtest 'options and settings' => sub {
    my $res = $t->run($binary, '--version');

    is($res->{status}, 0, '--version');
    like($res->{output}, qr{^[\d/]+ [\d:]+ Version: [\d.]+\tSHA: \w+$},
        'says it');

    $res = $t->run($binary, '--help');
    is($res->{status}, 0, '--help');
    like($res->{output}, qr/^Usage: /, 'helps');
    is($t->run($binary, '--what')->{status}, 2, 'another option gives 2');

    my $port = $t->free_port;
    my $taken = Faas::HTTP::listen_on("0.0.0.0:$port");
    my @wrong = (
        [{ }, 'function_process'],
        [{ fprocess => 'cat', mode => 'what' }, 'mode'],
        [{ fprocess => 'cat', port => 70000 }, 'port'],
        [{ fprocess => 'cat', port => $port }, 'port'],
        [{ fprocess => 'cat', write_timeout => 0 }, 'write_timeout'],
        [{ fprocess => 'cat', read_timeout => '5 s' }, 'read_timeout'],
        [{ fprocess => 'cat', max_inflight => -1 }, 'max_inflight'],
        [{ fprocess => 'cat', buffer_size => 8192 }, 'buffer_size'],
        [{ fprocess => 'cat', content_type => "a\r\nb: c" }, 'content_type'],
        [{ fprocess => 'cat', jwt_auth => 'true' }, 'jwt_auth'],
        [{ fprocess => 'cat', mode => 'http', upstream_url => 'x:1' },
            'upstream_url'],
        [{ fprocess => 'cat', mode => 'http', TMPDIR => "$dir/none" },
            'TMPDIR'],
    );

    for my $case (@wrong) {
        my ($env, $name) = @$case;
        local %ENV = (%ENV, port => $t->free_port, %$env);

        delete $ENV{fprocess} if !$env->{fprocess};
        $res = $t->run($binary);
        is($res->{status}, 1, "wrong $name: it does not start");
        like($res->{output}, qr/error: cannot start: .*\b$name\b/,
            'and names the variable');
    }
};


subtest 'SIGTERM with a port' => sub {
    my $wd = Faas::Watchdog->start($t, slow(),
        env => { healthcheck_interval => '300ms' });
    my $client = $wd->client;
    my $idle = $wd->client;

    is($idle->request(GET => '/_/health')->{status}, 200, 'healthy');
    $client->send_request(GET => '/begun');
    my $pid = function_pid();
    $wd->proc->signal('TERM');

    wait_for(sub { $wd->get('/_/health')->{status} == 503 }, 30, 'unhealthy');
    pass('unhealthy at once, and still answering');
    is($wd->get('/_/ready')->{status}, 503, 'not ready either');
    wait_for(sub { $wd->log =~ /draining connections/ }, 30, 'drain');
    is($idle->read_some, '', 'an idle connection is closed');

    my $late = $wd->client;
    $late->send_request(GET => '/late');
    function_pid();
    ok($wd->proc->running, 'it waits for what is in flight');
    $t->spew("$dir/go", '');
    is($client->response->{body}, 'begun done', 'which is answered');

    my $res = $late->response;
    is($res->{body}, 'done', 'so is what came in meanwhile');
    is($res->{headers}{connection}, 'close', 'with Connection: close');
    ended($wd, 0, 'then it ends with 0');
    unlink "$dir/go";
};


subtest 'SIGTERM with a socket handed over' => sub {
    my $wd = Faas::Watchdog->start($t, slow(), activate => 1,
        env => { healthcheck_interval => undef });
    my $client = $wd->client;

    $client->send_request(GET => '/');
    function_pid();

    # stopped, it cannot accept: this one is in the kernel's queue
    $wd->proc->signal('STOP');
    my $queued = $wd->client;
    $queued->send_request(GET => '/queued');
    $wd->proc->signal('TERM');
    $wd->proc->signal('CONT');
    function_pid();
    $t->spew("$dir/go", '');

    is($client->response->{body}, 'done', 'in flight: answered');
    is($queued->response->{body}, 'done', 'in the queue: answered too');
    ended($wd, 0, 'it ends without waiting for healthcheck_interval');

    my $early = Faas::HTTP->new($wd->addr);
    $early->send_request(GET => '/early');
    my $next = Faas::Watchdog->start($t, slow(), activate => 1,
        listener => $wd->{listener}, no_wait => 1);
    $next->{addr} = $wd->addr;
    is($early->response->{body}, 'done',
        'a request meanwhile waits in the socket for the next one');
    function_pid();
    $next->stop;
    unlink "$dir/go", "$dir/pid";
};


subtest 'drain has an end' => sub {
    my $wd = Faas::Watchdog->start($t, slow(),
        env => { write_timeout => '300ms', kill_grace => '100ms' });
    my $client = $wd->client;

    $client->send_request(GET => '/');
    my $pid = function_pid();
    $wd->proc->signal('TERM');
    is($client->response->{status}, 0, 'after write_timeout it is cut off');
    ended($wd, 0, 'and the watchdog ends');
    wait_for(sub { !alive($pid) }, 30, 'end of the function');
    like($wd->log, qr/not drained within write_timeout/, 'saying so');

    $wd = Faas::Watchdog->start($t, slow(), env => { kill_grace => '100ms' });
    $client = $wd->client;
    $client->send_request(GET => '/');
    $pid = function_pid();
    $wd->proc->signal('TERM');
    wait_for(sub { $wd->log =~ /draining connections/ }, 30, 'drain');
    $wd->proc->signal('TERM');
    $wd->proc->signal('INT');
    ended($wd, 0, 'SIGINT after that ends it now');
    wait_for(sub { !alive($pid) }, 30, 'end of the function');
    pass('with its function');
};


subtest 'SIGTERM in mode http' => sub {
    $t->spew("$dir/server.pl", <<"SCRIPT");
\$SIG{TERM} = sub { \$is_asked = 1 };
open my \$l, '+<&=', 3 or die;
vec(my \$listening, 3, 1) = 1;
until (\$is_asked) {
    next if select(my \$ready = \$listening, undef, undef, 0.05) <= 0;
    accept my \$s, \$l or die;
    sysread \$s, my \$head, 65536;
    open my \$f, '>', "$dir/pid.new"; print {\$f} \$\$; close \$f;
    rename "$dir/pid.new", "$dir/pid";
    select undef, undef, undef, 0.005 while !-e "$dir/go";
    syswrite \$s, "HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\n\\r\\ndone";
}
syswrite STDOUT, "asked to end\\n";
SCRIPT

    my $wd = Faas::Watchdog->start($t, activate => 1,
        fprocess => "perl $dir/server.pl", env => { mode => 'http' });
    my $client = $wd->client;

    $client->send_request(GET => '/');
    my $pid = function_pid();
    $wd->proc->signal('TERM');
    wait_for(sub { $wd->log =~ /draining connections/ }, 30, 'drain');
    unlike($wd->log, qr/asked to end/, 'the function is not asked yet');
    $t->spew("$dir/go", '');
    is($client->response->{body}, 'done', 'what is in flight is answered');
    ended($wd, 0, 'it ends with 0');
    ok(!alive($pid), 'after the function');
    like($wd->log, qr/stdout: asked to end/, 'which was asked to end');
    unlink "$dir/go";
};


subtest 'killed' => sub {
    for my $mode (qw(streaming http)) {
        my $wd = Faas::Watchdog->start($t, env => { mode => $mode },
            fprocess => 'perl ' . ($mode eq 'http' ? "$dir/server.pl"
                : "$dir/slow.pl"));

        my $client = $wd->client;
        $client->send_request(GET => '/');
        my $pid = function_pid();
        $wd->proc->crash;
        wait_for(sub { !alive($pid) }, 30, 'end of the function');
        pass("$mode: SIGKILL for the watchdog ends the function");
    }
};


subtest 'nothing is left, however deep it hides' => sub {
    my $list = "$dir/nested";
    my $wd = Faas::Watchdog->start($t, fprocess => 'perl ' . $t->spew(
        "$dir/nested.pl", <<'SCRIPT') . " $list");
use POSIX ();
close STDOUT;
close STDERR;
for (1 .. 9) {
    my $pid = fork;
    if ($pid) { last if $_ == 1; sleep 300 }
    POSIX::setsid();
    open my $out, '>>', $ARGV[0] or die;
    syswrite $out, "$$\n";
    sleep 300 if $_ == 9;
}
SCRIPT

    is($wd->get('/')->{status}, 200, 'a function that leaves nine behind');
    my @pids;
    wait_for(sub { @pids = split ' ', slurp($list) // ''; @pids == 9 }, 10,
        'nine processes');
    $wd->proc->signal('INT');
    is($wd->stop(signal => 'INT'), 0, 'the watchdog ends');
    wait_for(sub { !grep { alive($_) } @pids }, 10, 'their end');
    pass('and takes all of them along');
};


$t->finish;
