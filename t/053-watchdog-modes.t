#!/usr/bin/env perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The modes classic and serializing, and which one the environment means.  If
# this fails, images made for OpenFaaS' classic watchdog behave differently,
# or failures of functions look like answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP qw(http);
use Faas::Test;
use Faas::Watchdog;
use JSON::PP;
use MIME::Base64;
use Test::More;

my $t = Faas::Test->new(need => ['watchdog']);


sub function {
    my ($name, $code) = @_;

    return 'perl ' . $t->spew($t->dir . "/$name.pl",
        "use strict; use warnings; \$| = 1;\n$code\n");
}


# mode => undef: the environment decides.
sub watchdog {
    my ($fprocess, %env) = @_;

    return Faas::Watchdog->start($t, fprocess => $fprocess, env => \%env);
}


sub mode_of {
    my ($wd) = @_;

    return $wd->log =~ /Watchdog mode: (\w+)/ ? $1 : '';
}


my $bad = function('bad', 'print STDOUT "half"; print STDERR "why\n";'
    . ' exit 3;');
my $slow = function('slow', 'print "some"; sleep 60;');
my $env = function('env', 'print "$_=$ENV{$_}\n" for sort keys %ENV;');

subtest 'which mode' => sub {
    my %cases = (
        'fprocess alone'       => ['classic', {}],
        'a name of classic'    => ['classic', { write_debug => 'false' }],
        'names of both'        => ['classic', { combine_output => 'true',
            prefix_logs => 'true' }],
        'a name of the newer'  => ['streaming', { prefix_logs => 'false' }],
        'mode'                 => ['serializing', { mode => 'serializing',
            cgi_headers => 'true' }],
    );

    for my $what (sort keys %cases) {
        my ($mode, $vars) = @{ $cases{$what} };
        my $wd = watchdog('cat', mode => undef, %$vars);
        is(mode_of($wd), $mode, "$what: $mode");
        is($wd->stop, 0, 'ends well');
    }
};

subtest 'classic' => sub {
    my $wd = watchdog('cat', mode => undef);
    my $res = $wd->post('/', 'hello there', { 'content-type' => 'text/x' });

    is($res->{status}, 200, 'a process that ends well: 200');
    is($res->{body}, 'hello there', 'with what the process has written');
    is($res->{headers}{'content-type'}, 'text/x', 'and the request\'s type');
    is($res->{headers}{'content-length'}, 11, 'and a length');
    like($res->{headers}{'x-duration-seconds'}, qr/^\d+\.\d{6}$/,
        'and a duration');
    is($wd->get('/')->{headers}{'content-type'}, 'text/plain; charset=utf-8',
        'without a type it is guessed');
    is($wd->post('/', '<html><body>')->{headers}{'content-type'},
        'text/html; charset=utf-8', 'by what it looks like');
    is($wd->post('/', "\0\1\2")->{headers}{'content-type'},
        'application/octet-stream', 'also of bytes');
    is(http($_ => $wd->addr, '/')->{status}, 405, "$_ is not taken")
        for qw(OPTIONS HEAD);
    is(http($_ => $wd->addr, '/', {}, 'x')->{status}, 200, "$_ is")
        for qw(PUT PATCH DELETE);
    is($wd->post('/_/ready', 'ours')->{body}, 'ours',
        '/_/ready is the function\'s');
    like($wd->said, qr/Forking fprocess\./, 'each call is logged');
    like($wd->said, qr/Wrote 11 Bytes - Duration: \d+\.\d{6}s/,
        'with what came of it');
    unlike($wd->said, qr/ContentLength/, 'and in no other words');
    is($wd->stop, 0, 'ends well');

    $wd = watchdog('cat', mode => undef, content_type => 'a/b');
    is($wd->post('/', 'x', { 'content-type' => 'c/d' })
        ->{headers}{'content-type'}, 'a/b', 'content_type goes first');

    $wd = watchdog($bad, mode => undef);
    $res = $wd->get('/');
    is("$res->{status} $res->{body}", "500 exit status 3\nhalfwhy\n",
        'a process that ends badly: 500, how, and all it has written');
    $wd = watchdog($bad, mode => undef, combine_output => 'false');
    is($wd->get('/')->{body}, "exit status 3\nhalf",
        'without combine_output standard error is not in it');
    like($wd->said, qr/stderr: why/, 'but in the log');
    $wd = watchdog('/nowhere', mode => undef);
    $res = $wd->get('/');
    is($res->{status}, 500, 'one that cannot be started: 500');
    like($res->{body}, qr/no such file/, 'that says why');

    $wd = watchdog($slow, mode => undef, exec_timeout => '300ms');
    $res = $wd->get('/');
    is("$res->{status} $res->{body}", "408 Killed process.\n",
        'exec_timeout: 408');
    like($wd->said, qr/within exec_timeout of 0\.3s/, 'and the log says why');
};

subtest 'variables' => sub {
    my $wd = watchdog($env, mode => undef);
    my $vars = $wd->post('/a%20b?c=d', 'xyz', { 'x-a-b' => 'v' })->{body};

    like($vars, qr/^Http_ContentLength=3$/m, 'Http_ContentLength is there');
    like($vars, qr/^Http_Content_Length=3$/m, 'so is Http_Content_Length');
    like($vars, qr/^Http_Host=/m, 'and Http_Host');
    like($vars, qr/^Http_Path=\/a b$/m, 'and the path');
    like($vars, qr/^Http_X_A_B=v$/m, 'and headers');
    $wd = watchdog($env, mode => undef, cgi_headers => 'false');
    unlike($wd->get('/')->{body}, qr/^Http_/m, 'cgi_headers=false: none');
    $wd = watchdog($env, mode => 'serializing');
    $vars = $wd->get('/')->{body};
    unlike($vars, qr/^Http_(Host|ContentLength)=/m,
        'two of them are the classic one\'s only');
    like($vars, qr/^Http_Content_Length=0$/m, 'others are everybody\'s');
};

subtest 'marshal_request' => sub {
    my $wd = watchdog('cat', marshal_request => 'true', mode => undef);
    my $body = join '', map { chr } 0 .. 255;

    for my $n (0 .. 4, 256) {
        my $res = $wd->post('/', substr($body, 0, $n),
            { 'x-q' => qq(say "x\\"), 'content-type' => 'a/b' });
        my $json = eval { decode_json($res->{body}) } // {};
        is(decode_base64($json->{body}{raw} // ''), substr($body, 0, $n),
            "the body of $n bytes is in it");
        my ($name) = grep { lc eq 'x-q' } keys %{ $json->{header} };
        is_deeply($json->{header}{ $name // '' }, [qq(say "x\\")],
            'and its headers');
    }

    my $big = 'abc' x 700_000;
    my $res = $wd->post('/', $big);
    is(decode_base64(decode_json($res->{body})->{body}{raw}), $big,
        'and a large one');
};

subtest 'debugging' => sub {
    my $wd = watchdog('cat', mode => undef, write_debug => 'true',
        debug_headers => 'true');

    $wd->post('/', "seen in the log\n", { 'x-seen' => 'yes' });
    like($wd->said, qr/^seen in the log$/m, 'write_debug: output is logged');
    like($wd->said, qr/x-seen: yes/i, 'debug_headers: headers are');
};

subtest 'serializing' => sub {
    my $wd = watchdog('cat', mode => 'serializing');
    my $res = $wd->post('/', 'x' x 1_000_000);

    is($res->{headers}{'content-length'}, 1_000_000, 'a length');
    is($res->{body}, 'x' x 1_000_000, 'all of the output');
    is($res->{headers}{'content-type'}, 'application/octet-stream', 'a type');
    is(http(HEAD => $wd->addr, '/')->{status}, 200, 'HEAD is answered');
    is($wd->get('/')->{body}, '', 'and the connection goes on');

    $wd = watchdog(function('late', 'print "x" x 200_000; exit 2'),
        mode => 'serializing');
    $res = $wd->get('/');
    is($res->{status}, 500, 'a process that fails after much output: 500');
    is(length $res->{body}, 200_014, 'with all of it');
    is($res->{headers}{'x-openfaas-internal'}, 'of-watchdog', 'marked');

    $wd = watchdog($slow, mode => 'serializing', exec_timeout => '300ms');
    $res = $wd->get('/');
    is("$res->{status} $res->{body}", "500 signal: killed\n",
        'exec_timeout: 500');

    $wd = watchdog(function('much', 'print "x" x 300_000; exit $ENV{Http_E}'),
        mode => 'serializing', max_held_output => 100_000);
    is($wd->get('/', { e => 0 })->{body}, 'x' x 300_000,
        'more than max_held_output is streamed');
    $res = $wd->get('/', { e => 1 });
    ok($res->{error} || length $res->{body} < 300_000 || $res->{is_cut},
        'and cut off when the process fails after that');
    is($wd->get('/', { e => 0 })->{status}, 200, 'the next call is fine');

    my @clients = map { $wd->client } 1 .. 5;
    $_->write("GET / HTTP/1.1\r\nHost: x\r\nE: 0\r\n\r\n") for @clients;
    $_->close for @clients[0 .. 2];
    is($_->response->{body}, 'x' x 300_000, 'others are not disturbed')
        for @clients[3, 4];
    is($wd->stop, 0, 'ends well');
};

$t->finish;
