#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A process a request.  If this fails, programs that read standard input and
# write standard output do not work as functions: bodies are damaged, failures
# look like good answers, processes or memory leak, or a client can confuse
# the server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(sha256_hex);
use Faas::HTTP qw(http);
use Faas::Proc qw(alive fork_child slurp wait_for);
use Faas::Test;
use Faas::Watchdog;
use POSIX ();
use Test::More;

my $t = Faas::Test->new(need => ['watchdog']);
my $dir = $t->dir;
my $mib = 1024 * 1024;


# A function in Perl; waiting happens in the function, for a file to appear.
sub script {
    my ($name, $code) = @_;

    $t->spew("$dir/$name.pl", "use strict; use warnings; \$| = 1;\n"
        . "sub wait_file { select undef, undef, undef, 0.005"
        . " while !-e \$_[0] }\n$code\n");

    return "perl $dir/$name.pl";
}


sub watchdog {
    my ($fprocess, %env) = @_;

    return Faas::Watchdog->start($t, fprocess => $fprocess, env => \%env);
}


sub touch { $t->spew($_[0], ''); return; }


subtest 'bodies' => sub {
    my $wd = watchdog('cat');
    my $res = $wd->post('/', "one\0two\n", { 'content-type' => 'text/x' });

    is($res->{status}, 200, 'a process that ends well gives 200');
    is($res->{body}, "one\0two\n", 'stdin comes back as stdout');
    is($res->{headers}{'content-type'}, 'application/octet-stream',
        'the type is the default, not the request\'s');

    $res = $wd->get('/');
    is("$res->{status} $res->{body}", '200 ', 'no body, no output');
    is($res->{headers}{'content-length'}, 0, 'its length is known');
    like($res->{headers}{'x-duration-seconds'}, qr/^\d+\.\d{6}$/,
        'X-Duration-Seconds is told');

    $res = http(POST => $wd->addr, '/', { 'transfer-encoding' => 'chunked' },
        "3;ext=1\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: x\r\n\r\n");
    is($res->{body}, 'abcd', 'chunks and trailers are taken off');

    $res = http(HEAD => $wd->addr, '/');
    is($res->{status}, 200, 'HEAD is answered');

    my $big = join '', map { pack 'N', $_ * 2654435761 % 2**32 }
        1 .. 2 * $mib;
    my $client = $wd->client;
    my $writer = fork_child(name => 'writer', code => sub {
        $client->write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
            . length($big) . "\r\n\r\n$big") or die;
        POSIX::_exit(0);
    });

    is(sha256_hex($client->response->{body}), sha256_hex($big),
        '8 MiB come back while they are being sent');
    wait_for(sub { !$writer->running }, 30, 'end of the writer');

    SKIP: {
        skip('sanitizers need memory', 1) if $t->is_sanitized;
        cmp_ok($wd->peak, '<', 4096, 'in constant memory');
    }

    $writer->stop(may_be_gone => 1);
    $wd->stop;

    $wd = watchdog('true');
    $client = $wd->client;
    ok($client->write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: "
        . 20 * $mib . "\r\n\r\n" . 'x' x (20 * $mib)),
        'a client that looks at the answer only when all is sent');
    is($client->response->{status}, 200, 'gets it, though nobody has read it');
    $client->close;
    $wd->stop;
};


subtest 'environment' => sub {
    my $wd = watchdog('env', OWN_VARIABLE => 'own', LISTEN_FDS => 1,
        LISTEN_PID => 1);
    my $res = http(PUT => $wd->addr, '/a%20b/c?x=1&y', { host => 'h:1',
        'x-MIXED-case' => 'v', 'x-twice' => ['first', 'second'],
        proxy => 'http://evil', path => '/evil', 'user-agent' => 'ua' }, 'abc');
    my %env = map { /^([^=]+)=(.*)/ } split /\n/, $res->{body};

    is($env{Http_Method}, 'PUT', 'Http_Method');
    is($env{Http_Path}, '/a b/c', 'Http_Path is decoded');
    is($env{Http_Query}, 'x=1&y', 'Http_Query is raw');
    is($env{Http_Host}, undef, 'no Http_Host, as in of-watchdog');
    is($env{Http_Content_Length}, 3, 'Http_Content_Length');
    is($env{Http_X_Mixed_Case}, 'v', 'names are in canonical form');
    is($env{Http_X_Twice}, 'first', 'the first of several counts');
    is($env{Http_User_Agent}, 'ua', 'Http_User_Agent');
    ok(!exists $env{Http_Proxy}, 'Proxy is not passed on');
    is($env{OWN_VARIABLE}, 'own', 'the watchdog\'s own are passed on');
    ok(!grep({ /^LISTEN_/ } keys %env), 'but not LISTEN_*');

    $res = http(POST => $wd->addr, '/', { 'transfer-encoding' => 'chunked' },
        "0\r\n\r\n");
    like($res->{body}, qr/^Http_Content_Length=-1$/m,
        'length of a chunked body is -1');
    like($res->{body}, qr/^Http_Transfer_Encoding=chunked$/m,
        'Http_Transfer_Encoding');
    unlike($res->{body}, qr/^Http_(?:Query|X_Twice)=/m,
        'nothing of the last request is left');

    for my $path ('/%00', '/%4', '/%zz') {
        is($wd->get($path)->{status}, 400, "$path is refused");
    }

    $wd->stop;
};


subtest 'exit status' => sub {
    my $wd = watchdog(script('fail', 'my $how = $ENV{Http_Path};'
        . 'if ($how eq "/kill") { kill KILL => $$ }'
        . 'if ($how =~ m{^/late/(.+)}) { print "part"; wait_file("/$1") }'
        . 'print "told" if $how eq "/told"; exit 3'));

    my $res = $wd->post('/', 'x' x 100_000);
    is("$res->{status} $res->{body}", "500 exit status 3\n",
        'a process that fails without output gives 500');
    is($res->{headers}{'x-openfaas-internal'}, 'of-watchdog',
        'marked as the watchdog\'s words');

    $res = $wd->get('/kill');
    is("$res->{status} $res->{body}", "500 signal: killed\n",
        'so does one that is killed');

    my $client = $wd->client;
    $client->send_request(GET => "/late$dir/late");
    is($client->head(time + 30)->{status}, 200, 'output begins the answer');
    like($client->read_some, qr/part/, 'and is sent at once');
    touch("$dir/late");
    unlike($client->read_all, qr/0\r\n\r\n/,
        'a process that fails then gets no last chunk');

    $client = $wd->client;
    $client->write("GET /late$dir/late2 HTTP/1.0\r\n\r\n");
    like($client->read_some, qr/part/, 'the same with HTTP/1.0');
    touch("$dir/late2");
    $client->fill(time + 30);
    like($client->{error}, qr/reset/, 'resets the connection');

    wait_for(sub { $wd->log =~ /cutting the answer off: exit status 3/ }, 30,
        'line in the log');

    is($wd->get('/')->{status}, 500, 'the next request is served');
    $wd->stop;
};


subtest 'cannot start' => sub {
    my $wd = watchdog('no-such-program arg');
    my $res = $wd->get('/');

    is($res->{status}, 500, 'a missing program gives 500');
    is($res->{body}, "exec: \"no-such-program\": executable file not found"
        . " in \$PATH\n", 'which says why');
    $wd->stop;

    $wd = watchdog("$dir/later.sh");
    is($wd->get('/')->{body}, "fork/exec $dir/later.sh: no such file or"
        . " directory\n", 'so does a missing file');
    $t->spew("$dir/later.sh", "#!/bin/sh\necho here\n", 0755);
    is($wd->get('/')->{body}, "here\n", 'until it is there');
    $t->spew("$dir/later.sh", "#!/bin/sh\necho here\n", 0644);
    like($wd->get('/')->{body}, qr/permission denied/, 'or is no program');
    $wd->stop;
};


# A grandchild, so that killing the process alone would not do.
my $group = script('group', <<"SCRIPT");
my \$pid = fork // die;
if (!\$pid) { \$SIG{TERM} = 'IGNORE'; sleep 1000; exit }
print 'out' if \$ENV{Http_Path} eq '/out';
open my \$f, '>', '$dir/pid.new' or die;
print {\$f} \$pid;
close \$f;
rename '$dir/pid.new', '$dir/pid' or die;
sleep 1000;
SCRIPT


sub grandchild {
    wait_for(sub { -e "$dir/pid" }, 30, 'grandchild');
    my $pid = slurp("$dir/pid");
    unlink "$dir/pid";

    return $pid;
}


subtest 'exec_timeout' => sub {
    my $wd = watchdog($group, exec_timeout => '300ms', kill_grace => '100ms');
    my $res = $wd->get('/');

    is($res->{status}, 504, 'no output within exec_timeout gives 504');
    like($res->{body}, qr/exec_timeout of 0\.3s/, 'which names the setting');

    my $pid = grandchild();
    wait_for(sub { !alive($pid) }, 30, 'end of the whole group');
    pass('the whole process group is killed');

    $res = $wd->get('/out');
    is($res->{status}, 0, 'after some output the answer is cut off');
    is($res->{partial}{status}, 200, 'which had begun well');
    $pid = grandchild();
    wait_for(sub { !$wd->children && !alive($pid) }, 30, 'no process');
    pass('nothing is left');
    $wd->stop;
};


subtest 'client aborts' => sub {
    my $wd = watchdog($group, kill_grace => '100ms', max_inflight => 1);

    for my $path ('/', '/out') {
        my $client = $wd->client;

        $client->send_request(GET => $path);
        $client->read_some if $path eq '/out';
        my $pid = grandchild();
        is($wd->get('/')->{status}, 429, "$path is in flight");
        $client->abort;
        wait_for(sub { !$wd->children && !alive($pid) }, 30, 'no process');
        pass("$path: the whole process group is killed");
    }

    my $client = $wd->client;
    $client->write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx");
    my $pid = grandchild();
    $client->abort;
    wait_for(sub { !$wd->children && !alive($pid) }, 30, 'no process');
    pass('also in the middle of the body');
    $wd->stop;
};


subtest 'max_inflight' => sub {
    my $wd = watchdog(script('slow', "wait_file('$dir/go'); print 'done'"),
        max_inflight => 2);
    my @clients = map { $wd->client } 1, 2;

    $_->send_request(GET => '/') for @clients;
    wait_for(sub { $wd->get('/_/ready')->{status} == 429 }, 30, 'full');

    my $res = $wd->post('/', 'x' x 1000);
    is($res->{status}, 429, 'one over the limit is refused');
    is($res->{body}, "Concurrent request limit exceeded."
        . " Max concurrent requests: 2\n", 'with OpenFaaS\'s words');
    is($res->{headers}{'x-openfaas-internal'}, 'faas-middleware', 'and mark');
    like($res->{headers}{'content-type'}, qr{^text/plain}, 'and type');
    is($wd->get('/_/health')->{status}, 200, 'a full replica is healthy');

    touch("$dir/go");
    is($_->response->{body}, 'done', 'those inside are served') for @clients;
    is($wd->get('/_/ready')->{status}, 200, 'then it is ready again');
    $wd->stop;
};


# As Go's ServeMux, in front of both of OpenFaaS' watchdogs.
subtest 'paths have one form' => sub {
    my $wd = watchdog('env', mode => 'streaming');
    my %to = ('/a//b' => '/a/b', '//' => '/', '/a/./b/?x=//&y=..' =>
        '/a/b/?x=//&y=..', '/a/../b' => '/b', '/../../x/..' => '/',
        '/a/%2e%2E/b%2F' => '/b%2F', '/a/b/../../c/' => '/c/');

    for my $path (sort keys %to) {
        my $res = $wd->post($path, 'a body');

        is("$res->{status} $res->{headers}{location}", "307 $to{$path}",
            "$path is another one");
    }

    like($wd->get($_)->{body}, qr/^Http_Path=\Q$_\E$/m, "$_ is none")
        for '/', '/a', '/a/b/', '/...', '/a/..b', '/.a/', '/a.';

    my $client = $wd->client;
    my $res = $client->request(POST => '//x', {}, 'y' x $mib);
    is($res->{status}, 307, 'also with a body');
    is($client->request(GET => '/')->{status}, 200,
        'the connection goes on behind it');
    is($wd->get('//' . 'z' x 2000)->{status}, 414,
        'where the other is too long for an answer that is said');
    is($wd->get('/' . 'z' x 2000)->{status}, 200, 'a long path is none');
    $wd->stop;
};


subtest 'connections' => sub {
    my $wd = watchdog('cat', idle_timeout => '200ms', read_timeout => '300ms',
        max_body_size => 1000);
    my $client = $wd->client;

    is($client->request(POST => '/', {}, $_)->{body}, $_, "keep-alive: $_")
        for qw(one two three);

    my $post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n";
    $client->write("${post}a${post}b\r\n\r\n${post}c");
    is(join('', map { $client->response->{body} } 1 .. 3), 'abc',
        'pipelined requests are answered in order');

    my $all = $post . 'z';
    $client->write($_) for split //, $all;
    is($client->response->{body}, 'z', 'bytes may come one by one');
    is($client->read_some, '', 'an idle connection is closed in the end');

    $client = $wd->client;
    $client->write("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        . "Content-Length: 2\r\n\r\n");
    is($client->read_some, "HTTP/1.1 100 Continue\r\n\r\n", '100-continue');
    $client->write('ok');
    is($client->response->{body}, 'ok', 'then the body');

    my $old = $wd->raw("POST / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx");
    like($old, qr/\r\nConnection: close\r\n(?:.*\r\n)?\r\nx\z/s,
        'HTTP/1.0: no chunks, closed');
    unlike($old, qr/chunked/, 'indeed no chunks');

    like($wd->raw("GET / HTTP/1.1\r\nHo"), qr/^HTTP\/1.1 408 /,
        'a head that does not come gives 408');
    like($wd->raw("${post}"), qr/^HTTP\/1.1 408 /, 'so does a body');
    like($wd->raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n"
        . "\r\n"), qr/^HTTP\/1.1 413 /, 'a body over the limit gives 413');
    like($wd->raw("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked"
        . "\r\n\r\n3e9\r\n" . 'x' x 1001), qr/^HTTP\/1.1 413 /,
        'also in chunks');
    like($wd->raw("GET / HTTP/1.1\r\nHost: x\r\nX: " . 'x' x 33000),
        qr/^HTTP\/1.1 431 /, 'a head over the limit gives 431');
    like($wd->raw("GET / HTTP/1.1\r\nHost: x\r\n" . "X: y\r\n" x 200
        . "\r\n"), qr/^HTTP\/1.1 431 /, 'so do too many header lines');
    $wd->stop;
};


subtest 'smuggling' => sub {
    my $wd = watchdog('cat');
    my $host = "Host: x\r\n";
    my %bad = (
        'length and chunks' => "POST / HTTP/1.1\r\n${host}Content-Length: 5"
            . "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        'chunks and length' => "POST / HTTP/1.1\r\n${host}Transfer-Encoding: "
            . "chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        'two lengths' => "POST / HTTP/1.1\r\n${host}Content-Length: 1\r\n"
            . "Content-Length: 2\r\n\r\nab",
        'length with a sign' => "POST / HTTP/1.1\r\n${host}"
            . "Content-Length: +1\r\n\r\na",
        'chunked is not last' => "POST / HTTP/1.1\r\n${host}"
            . "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        'unknown coding' => "POST / HTTP/1.1\r\n${host}"
            . "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        'length and an empty coding' => "POST / HTTP/1.1\r\n${host}"
            . "Content-Length: 5\r\nTransfer-Encoding: \r\n\r\nhello",
        'an empty coding' => "POST / HTTP/1.1\r\n${host}"
            . "Transfer-Encoding:\r\n\r\n",
        'two codings' => "POST / HTTP/1.1\r\n${host}"
            . "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        'a header without a name' => "GET / HTTP/1.1\r\n${host}: a\r\n\r\n",
        'chunks in HTTP/1.0' => "POST / HTTP/1.0\r\n${host}"
            . "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        'folded line' => "GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n",
        'bare LF' => "GET / HTTP/1.1\n${host}\r\n",
        'bare CR' => "GET / HTTP/1.1\r\n${host}X: a\rY: b\r\n\r\n",
        'zero byte' => "GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n",
        'space before colon' => "GET / HTTP/1.1\r\n${host}X : a\r\n\r\n",
        'no host' => "GET / HTTP/1.1\r\n\r\n",
        'two hosts' => "GET / HTTP/1.1\r\n$host$host\r\n",
        'no HTTP' => "\x16\x03\x01\x02\r\n\r\n",
    );
    my $post = "POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n";

    $bad{"chunk size $_->[0]"} = "$post$_->[1]" for (
        ['negative', "-1\r\na\r\n0\r\n\r\n"],
        ['0x', "0x1\r\na\r\n0\r\n\r\n"],
        ['empty', "\r\na\r\n0\r\n\r\n"],
        ['too big', "fffffffffffffffff\r\na\r\n0\r\n\r\n"],
        ['ended by LF', "1\na\r\n0\r\n\r\n"],
        ['ended by CR', "1\rXa\r\n0\r\n\r\n"],
        ['too small', "1\r\nab\r\n0\r\n\r\n"],
        ['fine, trailers ended by LF', "0\r\n\n"]);

    for my $what (sort keys %bad) {
        my $answer = $wd->raw($bad{$what} . "GET /smuggled HTTP/1.1\r\n"
            . "$host\r\n");

        like($answer, qr/\AHTTP\/1.1 400 /, "$what: 400");
        is(scalar(() = $answer =~ /^HTTP\/1.1 \d/mg), 1, "$what: closed");
    }

    unlike($wd->log, qr/smuggled/, 'nothing was smuggled');

    # a body's framing is checked as it comes: a quick answer may be first
    my $endless = $wd->raw("${post}1\r\na\r\n1;" . 'x' x 100_000);
    unlike($endless, qr/0\r\n\r\n\z/, 'an endless chunk extension is no end');
    $wd->stop;
};


subtest 'log' => sub {
    my $code = 'syswrite STDERR, "first "; wait_file("%s/line");'
        . 'syswrite STDERR, "half\nsecond\nrest"';
    my $wd = watchdog(script('lines', sprintf $code, $dir));
    my @clients = map { $wd->client } 1, 2;

    $_->send_request(GET => '/') for @clients;
    wait_for(sub { $wd->children == 2 }, 30, 'two processes');
    touch("$dir/line");
    $_->response for @clients;

    my $stamp = qr{\d{4}/\d\d/\d\d \d\d:\d\d:\d\d};
    is(scalar(() = $wd->said =~ /^$stamp stderr: first half$/mg), 2,
        'lines are whole');
    is(scalar(() = $wd->log =~ /^$stamp stderr: rest$/mg), 2,
        'the last one need not end');
    wait_for(sub { $wd->log =~
        /^$stamp GET \/ - 200 OK - ContentLength: 0B \(\d\.\d{4}s\)$/m }, 30,
        'access line');
    $wd->stop;

    $wd = watchdog(script('plain', 'print STDERR "x" x 200, "\n"'),
        prefix_logs => 'false', log_buffer_size => 64, access_log => 'false');
    $wd->get('/');
    like($wd->said, qr/^x{64}\nx{64}\nx{64}\nx{8}$/m,
        'no prefix; long lines are cut');
    $wd->stop;
};


subtest 'nothing leaks' => sub {
    my $wd = watchdog('cat');

    $wd->post('/', 'x') for 1 .. 20;
    wait_for(sub { !$wd->children }, 30, 'no process');
    my $fds = $wd->fds;

    for my $i (1 .. 200) {
        my $client = $wd->client;

        $client->send_request(POST => '/', {}, 'x' x ($i * 100));
        $i % 3 ? $client->response : $client->abort;
        $client->close if $i % 3;
    }

    # clients that leave just when processes are being started
    my @open;

    for my $i (1 .. 800) {
        push @open, $wd->client;
        $open[-1]->send_request(POST => '/', {}, 'x' x 1000);
        (shift @open)->abort if @open > $i % 8;
    }

    $_->abort for @open;
    wait_for(sub { !$wd->children }, 30, 'no process or zombie');

    # up to 16 pipes to the log are kept for the next processes
    wait_for(sub { $wd->fds <= $fds + 2 * 16 }, 30, 'few descriptors');
    pass('no process, no zombie, no descriptor');

    my $cpu = $wd->cpu;
    my $client = $wd->client;
    my $end = time + 2;
    wait_for(sub { time >= $end }, 10, 'passing of time');
    cmp_ok($wd->cpu - $cpu, '<=', 2, 'it does nothing when idle');
    $client->close;
    $wd->stop;
    like($wd->log, qr/draining connections=[01] inflight=0/,
        'it has counted its connections well');
};


$t->finish;
