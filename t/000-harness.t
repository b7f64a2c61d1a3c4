#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The harness itself.  If this fails, what the other tests say is worth
# nothing: they could pass with crashed programs, or leave processes behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP;
use Faas::Proc;
use Faas::Test;
use File::Path;
use Test::More;
use Time::HiRes qw(time);


my $t = Faas::Test->new(need => [qw(nginx redis-server)]);

# A test that is run in a process of its own: code, and what it prints and
# ends with.
sub nested {
    my ($code, %env) = @_;

    my $file = $t->spew($t->dir . '/nested.t', <<"END");
        use strict; use warnings; use lib '$FindBin::Bin/lib';
        use Faas::Proc qw(fork_child spawn wait_for); use Faas::Test;
        use Test::More; $code
END

    return Faas::Proc::run_command(['perl', $file], env => \%env,
        log => $t->dir . '/nested.output', timeout => 60);
}


subtest 'ports' => sub {
    my @ports = map { $t->free_port } 1 .. 50;
    my %seen = map { $_ => 1 } @ports;

    is(keys %seen, 50, 'no port is given twice');

    my $taken = Faas::Test->new;
    my $other = { map { $_ => 1 } map { $taken->free_port } 1 .. 50 };
    $taken->clean_up(1);

    ok(!(grep { $other->{$_} } @ports), 'another test gets other ports');

    my $res = nested(<<"END");
        my \%given = map { \$_ => 1 } qw(@ports);
        my \$t = Faas::Test->new;
        my \@mine = map { \$t->free_port } 1 .. 2000;
        ok(!(grep { \$given{\$_} } \@mine), 'none that are taken');
        \$t->finish;
END
    is($res->{status}, 0, 'another process gets other ports')
        or diag($res->{output});
};


subtest 'waiting' => sub {
    my $n = 0;

    is(wait_for(sub { ++$n >= 3 ? "n $n" : 0 }, 5, 'three'), 'n 3',
        'a condition that comes true gives its value');

    my $start = time;
    eval { wait_for(sub { 0 }, 0.2, 'miracle') };

    like($@, qr/^no miracle within 0\.2 s at .*000-harness/,
        'one that does not dies with its name');
    cmp_ok(time - $start, '>=', 0.2, 'after its deadline');
    cmp_ok(time - $start, '<', 3, 'and soon after it');
};


subtest 'redis' => sub {
    $t->start_redis(persist => 1);

    is($t->redis('PING'), 'PONG', 'it answers');
    is($t->redis('GET', 'nothing'), undef, 'a missing key is undef');

    $t->redis('SET', 'binary', "a\r\nb\0\xff");
    is($t->redis('GET', 'binary'), "a\r\nb\0\xff", 'any bytes go through');

    is($t->redis('HSET', 'h', a => 1, b => 2), 2, 'numbers');
    is_deeply($t->redis('HGETALL', 'h'), [qw(a 1 b 2)], 'lists');
    ok(!eval { $t->redis('HGET', 'binary', 'x'); 1 }, 'an error reply dies');
    like($@, qr/WRONGTYPE/, 'with its text');

    $t->redis_proc->stop;
    ok(!eval { $t->redis('PING'); 1 }, 'a stopped one does not answer');

    $t->start_redis(persist => 1);
    is($t->redis('HGET', 'h', 'b'), 2, 'a restarted one has its data');

    my $first = $t->publish('fn', 'unix:/a', '10.0.0.1:8080');
    my $second = $t->unpublish('fn');
    my $changes = $t->redis(qw(XRANGE faas:changes - +));

    is_deeply([map { $_->[1] } @$changes], [
        [name => 'fn.openfaas-fn', rev => $first, prev => 0],
        [name => 'fn.openfaas-fn', rev => $second, prev => $first],
    ], 'changes of routes follow one another');
    is($t->redis('HLEN', 'faas:routes'), 0, 'a route can be taken away');
};


subtest 'client and fake function' => sub {
    my $n = 0;

    for my $addr ('unix:' . $t->dir . '/b.sock', $t->free_port) {
        my $backend = $t->start_backend(addr => $addr, name => 'b' . ++$n);
        my $ask = sub { http(shift, $addr, @_) };
        my $res = $ask->(POST => '/echo', { 'Content-Type' => 'x/y' }, 'abc');

        is($res->{status}, 200, "$addr answers");
        is($res->{body}, 'abc', 'with what it got');
        is($res->{headers}{'content-type'}, 'x/y', 'and its type');

        is($ask->(GET => '/status/418')->{status}, 418, 'any status');
        is(length $ask->(GET => '/size/300000')->{body}, 300000, 'any size');
        is($ask->(HEAD => '/size/30')->{body}, '', 'HEAD has no body');
        is_deeply($ask->(GET => '/chunked/3/5')->{chunks},
            ["chunk 1\n", "chunk 2\n", "chunk 3\n"], 'chunk by chunk');

        my $seen = json_of($ask->(GET => '/headers?q=1', { 'X-A' => 'b' }));
        is($seen->{headers}{'x-a'}, 'b', 'it shows the headers');
        is($seen->{path}, '/headers?q=1', 'and the path');

        for my $path (qw(/close /reset /die-head /die-body)) {
            my $bad = $ask->(GET => $path);

            is($bad->{status}, 0, "$path is no answer");
            ok($bad->{error}, "but an error: $bad->{error}");
        }

        my $start = time;
        is($ask->(GET => '/delay/100')->{status}, 200, 'a late answer');
        cmp_ok(time - $start, '>=', 0.1, 'is late');
        is(http(GET => $addr, '/delay/5000', {}, undef, timeout => 0.1)
            ->{error}, 'timed out', 'a client does not wait for ever');

        is(scalar(grep { $_->{path} eq '/echo' } $backend->requests), 1,
            'it has kept its requests');

        $backend->stop;
        is($ask->(GET => '/')->{status}, 0, 'a stopped one refuses');
    }
};


subtest 'a client that misbehaves' => sub {
    my $backend = $t->start_backend;
    my $client = Faas::HTTP->new($backend->addr);

    for my $piece ('POST /ec', "ho HTTP/1.1\r\nHost: a\r\nContent-",
        "Length: 4\r\n\r\nab", 'cd')
    {
        ok($client->write($piece), 'a piece is sent');
    }

    is($client->response->{body}, 'abcd', 'pieces make a request');
    is($client->request(GET => '/')->{body}, "ok\n", 'another follows');

    $client->write("GET / HTTP/1.1\r\nHost: a\r\n\r\n" x 2);
    is($client->response->{status}, 200, 'pipelined requests:');
    is($client->response->{status}, 200, 'two answers');

    ok(!$client->is_closed(0.05), 'the connection is open');
    $client->send_request(GET => '/last');
    $client->half_close;
    is($client->response->{body}, "ok\n", 'an answer after half a close');
    ok($client->is_closed(5), 'then the other side closes');

    my $aborted = Faas::HTTP->new($backend->addr);
    $aborted->write('GET ');
    ok($aborted->abort, 'a connection can be aborted');

    $client = Faas::HTTP->new($backend->addr);
    $client->send_request(GET => '/sse/2/1');

    my $text = '';
    wait_for(sub { ($text .= $client->read_some(5)) =~ /^0\r$/m }, 5, 'end');
    like($text, qr/data: 1\n\n.*data: 2\n\n/s, 'a stream can be read raw');

    $backend->proc->stop;
};


my $conf = <<'END';
@USER@
worker_processes @WORKERS@;
pid run/nginx.pid;
error_log logs/error.log @LOG_LEVEL@;
events { }
http {
    access_log off;
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
    server { listen @LISTEN@; location / { return 200 ok; } @SERVER_EXTRA@ }
}
END

subtest 'nginx under load' => sub {
    my $nginx = $t->start_nginx(conf => $conf, vars => { SERVER_EXTRA =>
        'location = /bad { return 500; }' });

    is($t->get('/')->{body}, 'ok', 'it answers');
    is($nginx->workers, 2, 'with two workers');

    my $load = $t->start_load(clients => 3, path => '/');
    wait_for(sub { $load->requests > 100 }, 20, 'requests');

    my %old = map { $_ => 1 } $nginx->workers;
    $nginx->reload;
    ok(!(grep { $old{$_} } $nginx->workers), 'a reload: new workers');

    my $before = $load->requests;
    wait_for(sub { $load->requests > $before + 100 }, 20, 'more requests');

    my $sum = $load->finish;

    is($sum->{failed}, 0, 'no failed request')
        or diag(explain($sum->{errors}));
    cmp_ok($sum->{requests}, '>', 200, "$sum->{requests} requests");
    is($sum->{status}{200}, $sum->{requests}, 'all with status 200');
    cmp_ok($sum->{connections}, '<=', 20, 'few connections')
        or diag(explain($sum));

    $sum = $t->start_load(clients => 2, requests => 5, path => '/bad')->wait;
    is($sum->{requests}, 10, 'so many requests as were asked for');
    is($sum->{failed}, 10, 'a bad answer is a failure');
    like($sum->{errors}[0], qr/status 500/, 'that is told');

    $sum = $t->start_load(clients => 1, requests => 3, path => '/',
        check => sub { $_[0]{body} eq 'no' ? undef : 'not no' })->wait;
    is($sum->{failed}, 3, 'a check of the test decides');

    like($nginx->check(conf => $conf =~ s/access_log/acces_log/r)->{output},
        qr{unknown directive "acces_log" in .*/check\.conf:7}, 'nginx -t');

    my $master = $nginx->pid;
    $nginx->stop(signal => 'QUIT');
    ok(!alive($master), 'it stops');
};


subtest 'processes of a test' => sub {
    my $pid_file = $t->dir . '/pid';

    my $res = nested("my \$t = Faas::Test->new; \$t->finish;");
    is($res->{status}, 0, 'a test with nothing wrong passes')
        or diag($res->{output});

    $res = nested(<<"END");
        my \$t = Faas::Test->new;
        \$t->spew('$pid_file', \$t->start_redis->pid);
        die "deliberately";
END
    isnt($res->{status}, 0, 'a test that dies fails');
    ok(!alive(slurp($pid_file)), 'and leaves no process');
    remove_kept($res);

    $res = nested(<<"END");
        my \$t = Faas::Test->new;
        \$t->spew('$pid_file', \$t->start_redis->pid);
        kill 'TERM', \$\$;
        wait_for(sub { 0 }, 30, 'end');
END
    is($res->{status}, 1, 'a test that is interrupted fails');
    ok(!alive(slurp($pid_file)), 'and leaves no process');
    remove_kept($res);

    $res = nested(<<"END", FAAS_TEST_TIMEOUT => 1);
        my \$t = Faas::Test->new;
        \$t->spew('$pid_file', \$t->start_redis->pid);
        wait_for(sub { 0 }, 30, 'end');
END
    is($res->{status}, 1, 'a test that hangs fails');
    like($res->{output}, qr/takes too long/, 'and says so');
    ok(!alive(slurp($pid_file)), 'and leaves no process');
    remove_kept($res);

    $res = nested(<<"END");
        my \$t = Faas::Test->new;
        \$t->start_redis->crash;
        \$t->start_redis;
        kill 'SEGV', \$t->redis_proc->pid;
        wait_for(sub { !\$t->redis_proc->running }, 10, 'end');
        \$t->finish;
END
    is($res->{status}, 1, 'a test with a crashed process fails');
    like($res->{output}, qr/redis-server had ended already, by signal 11/,
        'and names it');
    remove_kept($res);

    $res = nested(<<"END");
        my \$t = Faas::Test->new;
        my \$proc = spawn(name => 'parent', log => \$t->dir . '/p.log',
            cmd => ['setsid', '-f', 'sleep', '1000']);
        wait_for(sub { !\$proc->running }, 10, 'end');
        \$proc->stop(may_be_gone => 1);
        \$t->finish;
END
    is($res->{status}, 1, 'a test with an orphan fails');
    my ($orphan) = $res->{output} =~ /left behind: (\d+) sleep 1000/;
    ok($orphan, 'and names it') or diag($res->{output});
    ok(!alive($orphan), 'it is killed') if $orphan;
    remove_kept($res);

    $res = nested(<<"END");
        my \$t = Faas::Test->new;
        \$t->spew(\$t->dir . '/x.log', "==1==ERROR: AddressSanitizer: x\\n");
        \$t->finish;
END
    is($res->{status}, 1, 'a test with a report of a sanitizer fails');
    remove_kept($res);

    $res = nested(<<"END");
        my \$t = Faas::Test->new;
        my \$log = \$t->start_nginx(conf => <<'CONF')->prefix;
$conf
CONF
        open my \$out, '>>', "\$log/logs/error.log";
        print {\$out} "2026/01/01 [alert] 1#1: planted\\n";
        close \$out;
        \$t->finish;
END
    is($res->{status}, 1, 'a test with an alert of nginx fails');
    like($res->{output}, qr/\[alert\] 1#1: planted/, 'and shows it');
    remove_kept($res);
};


subtest 'what is missing' => sub {
    my $code = q{my $t = Faas::Test->new(need => ['no-such-thing']);
        pass('goes on'); $t->finish;};

    my $res = nested($code, CI => undef);
    is($res->{status}, 0, 'a test without its program is skipped');
    like($res->{output}, qr/1\.\.0 # SKIP there is no no-such-thing/,
        'and says why');

    $res = nested($code, CI => 'true');
    isnt($res->{status}, 0, 'in CI it fails');
    like($res->{output}, qr/^not ok .*no-such-thing/m, 'and says why');
};


# Failed tests keep their folders; these were meant to fail.
sub remove_kept {
    my ($res) = @_;

    my ($dir) = $res->{output} =~ m{kept: (/tmp/ft\.\w+)}
        or return fail('a failed test keeps its folder');

    File::Path::remove_tree($dir);

    return pass('a failed test keeps its folder');
}


$t->finish;
