#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What OpenFaaS' clients, dashboards and functions rely on, row by row, over
# the whole stack.  If this fails, something that worked with OpenFaaS does not
# work with us.  With FAAS_PROVIDER=swarm the functions are services of Docker
# Swarm.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP;
use Faas::Proc;
use Faas::Test;
use JSON::PP;
use Test::More;

use constant WAIT => 30;    # seconds, for everything that has to happen


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)], provider => 1);
my $provider = $t->provider;
my $images = $t->dir . '/functions';

# an HTTP server that answers with the status that the path names
mkdir $images;
mkdir "$images/server";
$t->spew("$images/server/server.pl", <<'END', 0644);
use IO::Socket::INET;
my $port = shift;
my $listener = $port ? IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
    Listen => 5) : IO::Handle->new_from_fd(3, 'r+');
die "port $port: $!\n" if !$listener;
while (1) {
    accept(my $client, $listener) or next;
    my ($status) = (scalar <$client>) =~ m{ /(\d+)};
    while (defined(my $line = <$client>)) { last if $line !~ /\S/ }
    $status ||= 200;
    syswrite $client, "HTTP/1.1 $status Said\r\nLocation: /there\r\n"
        . "Content-Length: 2\r\nConnection: close\r\n\r\nok";
}
END

$provider->images($images, 'server');
$t->start_stack(scaler => { functions => $images });
$provider->wait_known;

sub fn { return { service => $_[0], image => 'server', envProcess => 'env',
    @_[1 .. $#_] }; }

sub deploy {
    my $fn = fn(@_);

    is($t->admin(POST => '/system/functions', $fn)->{status}, 202,
        "deploy of $_[0]");
    $t->wait_available($_[0]) if ($fn->{labels}{'com.openfaas.scale.min'} // 1)
        ne '0';

    return;
}

sub status_of { return json_of($t->admin(GET => "/system/function/$_[0]")); }


subtest 'statuses of changes' => sub {
    is($t->admin(PUT => '/system/functions', fn('none'))->{status}, 404,
        'an update of none: faas-cli deploys then');
    deploy('one');
    like($t->admin(PUT => '/system/functions', fn('one'))->{status},
        qr/^20[02]$/, 'update');
    is($t->admin(DELETE => '/system/functions', { functionName => 'none' })
        ->{status}, 404, 'delete of none');

    for my $case ([PUT => 404], [DELETE => 404], [POST => 202], [POST => 409],
        [PUT => 202], [DELETE => 202])
    {
        is($t->admin($case->[0] => '/system/secrets', { name => 's',
            value => 'x' })->{status}, $case->[1], "secret: @$case");
    }
};

subtest 'names' => sub {
    is($t->get("/function/one$_")->{status}, 200, "one$_")
        for '', '/', '.openfaas-fn', '.openfaas-fn/path';
    is($t->admin(GET => "/system/function/one$_")->{status}, 200,
        "status of one$_") for '', '.openfaas-fn', '?namespace=openfaas-fn';
    is($t->get('/function/.openfaas-fn')->{status}, 404, 'no name: 404');
};

subtest 'a status' => sub {
    my $status = status_of('one');

    is_deeply([@{$status}{qw(labels annotations)}], [{}, {}],
        'maps that are empty are there');
    is_deeply([grep { exists $status->{$_} } qw(envVars requests limits
        secrets constraints)], [], 'what was not given is not');

    my %given = (image => 'docker.io/library/server:latest', envProcess =>
        'env', limits => { memory => '128Mi', cpu => '1000m' },
        labels => { 'com.openfaas.scale.min' => '2' },
        annotations => { topic => 'a' });
    is($t->admin(POST => '/system/functions', { service => 'two', %given })
        ->{status}, 202, 'another');
    $status = status_of('two');
    is($status->{replicas}, 2, 'replicas: those of the label, at once');
    is_deeply({ map { $_ => $status->{$_} } keys %given }, \%given,
        'all is as it was given');
    is($t->admin(POST => '/system/scale-function/two', { serviceName => 'two',
        replicas => 0 })->{status}, 202, 'scale');
    is(status_of('two')->{replicas}, 0, 'to 0, at once');
};

subtest 'calls' => sub {
    my $res = $t->get('/function/one');
    like($res->{headers}{'x-call-id'}, qr/^[0-9a-f-]{36}$/, 'X-Call-Id');
    like($res->{headers}{'x-start-time'}, qr/^\d{19}$/, 'X-Start-Time');

    $res = $t->request(POST => '/function/one/a%2Fb?c=d', { 'x-my-header' =>
        'v', under_score => 'u', 'x-call-id' => 'mine' }, 'body');
    is($res->{headers}{'x-call-id'}, 'mine', 'the caller\'s X-Call-Id stays');
    my %env = map { split /=/, $_, 2 } split /\n/, $res->{body};
    is_deeply([@env{qw(Http_Method Http_Query Http_X_My_Header
        Http_Under_score Http_ContentLength)}], ['POST', 'c=d', 'v', 'u', 4],
        'names that functions read');
    like($env{Http_Path}, qr{^/a(?:%2F|/)b$}i, 'and the path');

    is($t->get('/function//one')->{status}, 200, 'a slash too many');
    is($t->request(GET => '/function/one', { 'x-long' => 'x' x 30_000 })
        ->{status}, 200, 'a header of 30 KB');
    is($t->post('/function/one', 'x' x (20 << 20))->{status}, 200,
        'a body of 20 MB');

    my $client = Faas::HTTP->new($t->addr);
    $client->write("POST /function/one HTTP/1.1\r\nHost: x\r\nConnection: "
        . "close\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        . "4\r\nbody\r\n0\r\n\r\n");
    like($client->read_all, qr{^HTTP/1.1 100 .*\r\n\r\nHTTP/1.1 200 }s,
        'chunks, and Expect: 100-continue');

    unlike($t->get("/function/$_")->{body}, qr/<html/i, "$_: no HTML")
        for 'none', 'none/';

    for my $case (["GET / HTTP/1.1\r\n\r\n", 400], ["?\r\n\r\n", 400],
        ['GET /' . 'x' x 40_000 . " HTTP/1.1\r\nHost: x\r\n\r\n", 414],
        ["GET / HTTP/1.1\r\nHost: x\r\nX: " . 'x' x 40_000 . "\r\n\r\n", 431])
    {
        my $raw = Faas::HTTP->new($t->addr);
        $raw->write($case->[0]);
        like($raw->read_all, qr{^HTTP/1.1\ $case->[1]\ .*\r\n
            Content-Type:\ text/plain.*\r\n\r\nthe\ [^<]*\n$}xs,
            "$case->[1]: text, no page");
    }

    deploy('server', envProcess => 'perl server.pl',
        envVars => { mode => 'http' });
    for my $status (301, 302, 307, 404, 418, 500) {
        $res = $t->get("/function/server/$status");
        is($res->{status}, $status, "the function's $status goes through");
        is($res->{headers}{location}, '/there', 'with its Location')
            if $status < 400;
    }
};

subtest 'who may' => sub {
    for my $path ('/system/functions', '/system/info', '/ui/') {
        my $res = $t->get($path);
        is("$res->{status} $res->{headers}{'www-authenticate'}",
            '401 Basic realm="Restricted"', "$path wants a password");
    }

    isnt($t->get($_)->{status}, 401, "$_ does not")
        for '/function/one', '/healthz';
};

subtest 'metrics' => sub {
    my $addr = '127.0.0.1:' . $t->nginx->metrics_port;
    my $text;

    wait_for(sub {
        $text = http(GET => $addr, '/metrics')->{body};
        $text =~ /^gateway_function_invocation_total\{[^}]*"one\.openfaas-fn"/m;
    }, WAIT, 'metrics');
    like($text, qr/^gateway_function_invocation_total\{(?=[^}]*code="200")
        (?=[^}]*function_name="one\.openfaas-fn")[^}]*\}\ \d+$/mx, 'calls');
    like($text, qr/^gateway_functions_seconds_bucket\{(?=[^}]*le=)
        (?=[^}]*function_name="one\.openfaas-fn")[^}]*\}\ \d+$/mx, 'times');
    like($text, qr/^gateway_service_count\{[^}]*"one\.openfaas-fn"\} 1$/m,
        'replicas');
};

subtest 'logs' => sub {
    my ($res, @lines);

    # Docker has a line some time after it was written
    wait_for(sub {
        $res = $t->admin(GET =>
            '/system/logs?name=one&tail=-1&since=&follow=0');
        return 1 if $res->{status} != 200;
        @lines = map { decode_json($_) } split /\n/, $res->{body};
        return grep { $_->{text} =~ /Forking fprocess\.$/ } @lines;
    }, WAIT, 'the lines that the classic watchdog has');

    is($res->{status}, 200, 'logs');
    like($res->{headers}{'content-type'}, qr{^application/x-ndjson}, 'NDJSON');
    is_deeply([sort keys %{ $lines[0] }], [qw(instance name namespace text
        timestamp)], 'of five members');
};

# on the Swarm each replica has all ports but that of its watchdog

subtest 'a port that is in use' => sub {
    my $taken = $provider->is_swarm ? 8080 : $t->free_port;
    my $listener = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$taken",
        Listen => 1) or die "port $taken: $!\n";

    is($t->admin(POST => '/system/functions', fn('port',
        envProcess => "perl server.pl $taken", envVars => { mode => 'http',
        upstream_url => "http://127.0.0.1:$taken" }))->{status}, 202, 'deploy');

    my $error = '';
    Faas::Proc::wait_quietly(sub {
        $error = status_of('port')->{annotations}{'com.ngx-faas.last-error'}
            // '';
    }, WAIT);
    like($error, $provider->is_swarm ? qr/non-zero exit \(1\)/
        : qr/^replica port-\d+ ended, status=1, its last line: /,
        'its replica ends, and that is told');
    like($t->admin(GET => '/system/logs?name=port')->{body},
        qr/port $taken: Address already in use/, 'why is in its log');
};

$t->finish;
