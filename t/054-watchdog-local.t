#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What the watchdog answers and writes by itself: files, health, readiness,
# metrics, the lock file, addresses to listen on.  If this fails, health
# checks of images say the wrong thing, files leak, or metrics lie.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP qw(http listen_on);
use Faas::Proc qw(run_command);
use Faas::Test;
use Faas::Watchdog;
use Test::More;

my $t = Faas::Test->new(need => [qw(watchdog promtool)]);
my $binary = $t->build . '/faas-watchdog';


sub watchdog {
    my ($fprocess, %env) = @_;

    return Faas::Watchdog->start($t, fprocess => $fprocess, env => \%env);
}


# --run-healthcheck in a folder.
sub check {
    my ($dir) = @_;

    return run_command([$binary, '-run-healthcheck'],
        env => { TMPDIR => $dir }, log => $t->dir . '/check.out');
}


subtest 'lock file' => sub {
    my $wd = watchdog('cat', healthcheck_interval => '300ms');
    my $lock = $wd->tmp . '/.lock';

    # who waits in the socket's queue comes before it
    ok(wait_for(sub { -f $lock }, 10, 'the lock'), 'it is written');
    is((stat _)[7], 0, 'and empty');
    like($wd->said, qr/Writing lock-file to: \Q$lock\E$/m, 'and told of');
    is(check($wd->tmp)->{status}, 0, 'the health check finds it');
    unlink $lock;
    is($wd->get('/_/health')->{status}, 503, 'who deletes it: unhealthy');
    is($wd->get('/')->{status}, 200, 'calls go on');
    my $res = check($wd->tmp);
    is($res->{status}, 1, 'the health check misses it');
    like($res->{output}, qr/^unable to find lock file\.$/, 'and says so');
    $t->spew($lock, '');
    is($wd->get('/_/health')->{status}, 200, 'it is back: healthy');

    $wd->proc->signal('TERM');
    wait_for(sub { !-e $lock }, 10, 'end of the lock file');
    pass('SIGTERM removes it');
    is($wd->get('/_/health')->{status}, 503, 'and makes unhealthy');
    is($wd->stop, 0, 'ends well');

    $wd = Faas::Watchdog->start($t, fprocess => 'cat', no_wait => 1,
        env => { suppress_lock => 'true' });
    wait_for(sub { $wd->get('/')->{status} == 200 }, 10, 'answer');
    ok(!-e $wd->tmp . '/.lock', 'suppress_lock: it is not written');
    is($wd->get('/_/health')->{status}, 503, 'but asked for');
    $t->spew($wd->tmp . '/.lock', '');
    is($wd->get('/_/health')->{status}, 200, 'whoever has made it');
    is($wd->stop, 0, 'ends well');
    ok(-e $wd->tmp . '/.lock', 'and is not removed');

    $wd = watchdog('cat', TMPDIR => '/proc/nowhere');
    is($wd->get('/_/health')->{status}, 200,
        'without a writable folder it is healthy all the same');
    like($wd->said, qr/cannot write the lock file/, 'and says what is wrong');
};

subtest 'readiness' => sub {
    my $fifo = $t->dir . '/ready';
    my $wd = watchdog('sh -c $0 ' . $t->spew($t->dir . '/ready.sh',
        "#!/bin/sh\n[ \"\$Http_Path\" != /is/ready ] || exec test -e $fifo\n"
        . "echo called\n", oct 755), ready_path => '/is/ready',
        max_inflight => 1);

    is($wd->get('/_/ready')->{status}, 500,
        'ready_path: the function is asked');
    $t->spew($fifo, '');
    is($wd->get('/_/ready')->{status}, 200, 'and says when it is ready');
    unlike($wd->said, qr{/is/ready}, 'that is not logged');
    is($wd->get('/')->{body}, "called\n", 'calls are calls');
    my $client = $wd->client;
    $client->write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n");
    wait_for(sub { $wd->get('/_/ready')->{status} == 429 }, 10, '429');
    pass('max_inflight reached: 429');
};

subtest 'metrics' => sub {
    my $port = $t->free_port;
    my $wd = watchdog('cat', metrics_port => $port);
    my $page = sub { http(GET => $port, '/metrics')->{body} };

    like($page->(), qr/^http_requests_in_flight 0$/m, 'none in flight');
    $wd->get('/') for 1 .. 3;
    $wd->post('/', 'x');
    http(FOO => $wd->addr, '/');
    $wd->get('/_/health');
    my $text = $page->();
    like($text, qr/^http_requests_total\{code="200",method="get"\} 3$/m,
        'calls are counted by method and code');
    like($text, qr/^http_requests_total\{code="200",method="post"\} 1$/m,
        'each method apart');
    like($text, qr/^http_request_duration_seconds_bucket\{code="200",
        method="get",le="10"\}\ 3$/mx, 'with their times');
    like($text, qr/^http_request_duration_seconds_sum\{code="200",
        method="post"\}\ 0\.\d{9}$/mx, 'and the sum of these');
    unlike($text, qr/_count\{code="503"/, 'health checks are not counted');
    like($wd->said, qr/Metrics listening on port: $port/, 'the port is told');
    is(http(GET => $port, '/')->{status}, 404, 'there is nothing else');
    is(http(POST => $port, '/metrics', {}, 'x')->{status}, 405, 'to be read');
    like($wd->said, qr/^[\d\/]+ [\d:]+ GET \/ - 200 OK/m, 'calls are logged');
    unlike($wd->said, qr/metrics -/, 'scrapes are not');

    $t->spew($t->dir . '/page', $text);
    is($t->run('sh', '-c', 'promtool check metrics < ' . $t->dir . '/page')
        ->{output}, '', 'promtool finds no fault');

    my $other = watchdog('cat', metrics_port => $port);
    is($other->get('/')->{status}, 200, 'a port that is taken is no reason');
    like($other->said, qr/no metrics, cannot listen on $port/, 'but is told');
    is($wd->stop, 0, 'ends well');
};

subtest 'static' => sub {
    my $dir = $t->dir . '/public';

    mkdir $_ or die "$_: $!\n" for $dir, "$dir/sub", "$dir/empty";
    $t->spew("$dir/index.html", "<p>home\n");
    $t->spew("$dir/sub/index.html", 'sub');
    $t->spew("$dir/a b.txt", join '', map { chr(97 + $_ % 26) } 0 .. 199_999);
    $t->spew("$dir/empty.css", '');
    $t->spew("$dir/.hidden", 'secret');
    $t->spew($t->dir . '/outside', 'secret');
    symlink '../outside', "$dir/link" or die;
    symlink 'index.html', "$dir/inner" or die;

    my $wd = watchdog(undef, mode => 'static', static_path => $dir);
    my $res = $wd->get('/');
    is("$res->{status} $res->{body}", "200 <p>home\n", 'index.html');
    is($res->{headers}{'content-type'}, 'text/html; charset=utf-8', 'a type');
    is($res->{headers}{'content-length'}, 8, 'a length');
    my $date = $res->{headers}{'last-modified'};
    like($date, qr/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'a date');
    is($wd->get('/', { 'if-modified-since' => $date })->{status}, 304,
        'unchanged: 304');
    $res = $wd->get('/sub');
    is($res->{status}, 301, 'a folder without a slash is redirected');
    is($res->{headers}{location}, '/sub/', 'to the one with it');
    is($wd->get('/sub/?x')->{body}, 'sub', 'its index.html');
    is($wd->get('/inner')->{body}, "<p>home\n", 'a link within');
    is($wd->get($_)->{status}, 404, "404: $_")
        for qw(/nowhere /empty/ /link /.hidden /outside /etc/passwd
            /sub%2f..%2f..%2foutside /%2fetc/passwd /a%00b /index.html/x);
    is($wd->get($_)->{status}, 307, "sent to where nothing is: $_")
        for qw(/../outside /%2e%2e/outside /sub/../../outside //etc/passwd);
    my $text = join '', map { chr(97 + $_ % 26) } 0 .. 199_999;
    ok($wd->get('/a%20b.txt')->{body} eq $text, 'a large file, by its name');
    is(http(HEAD => $wd->addr, '/a%20b.txt')->{headers}{'content-length'},
        200_000, 'HEAD tells the length');
    is($wd->get('/empty.css')->{body}, '', 'an empty one');

    my %range = ('bytes=0-3' => 'abcd', 'bytes=199998-' => substr($text, -2),
        'bytes=-3' => substr($text, -3), 'bytes=5-5' => 'f');

    for my $range (sort keys %range) {
        $res = $wd->get('/a%20b.txt', { range => $range });
        is("$res->{status} $res->{body}", "206 $range{$range}", $range);
    }

    is($wd->get('/a%20b.txt', { range => $_ })->{status}, 416, $_)
        for 'bytes=200000-', 'bytes=-0';
    is(length $wd->get('/a%20b.txt', { range => $_ })->{body}, 200_000,
        "$_: the whole") for 'bytes=1-2,4-5', 'lines=1-2', 'bytes=9-2',
        'bytes=-', 'bytes=x-';
    is($wd->post('/', 'x')->{status}, 405, 'POST: 405');
    my $fds = $wd->fds;
    $wd->get('/a%20b.txt') for 1 .. 20;
    ok(wait_for(sub { $wd->fds <= $fds }, 10, 'closed descriptors'),
        'descriptors are closed');
    is($wd->stop, 0, 'ends well');
};

subtest 'addresses' => sub {
    my $path = $t->dir . '/wd.sock';

    # one that an earlier process has left
    close listen_on("unix:$path");
    my $wd = Faas::Watchdog->start($t, fprocess => 'cat',
        env => { port => "unix:$path" });
    is($wd->post('/', 'over unix')->{body}, 'over unix', 'port=unix:/path');
    like($wd->said, qr{Listening on unix:\Q$path\E}, 'is told');

    my $res = run_command([$binary], env => { port => "unix:$path",
        fprocess => 'cat', metrics_port => 0, TMPDIR => $t->dir },
        log => $t->dir . '/taken.out');
    is($res->{status} >> 8 || $res->{status}, 1,
        'one that is taken is refused');
    like($res->{output}, qr/cannot listen on unix:.*in use/i, 'saying why');

    $wd = watchdog('cat');
    is(http(GET => '[::1]:' . $wd->addr, '/')->{status}, 200, 'IPv6');
};

$t->finish;
