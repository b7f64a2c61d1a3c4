#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Each template: a function is built of it and called.  If this fails, what
# "faas new" makes in some language cannot be built, loses bytes, headers or
# errors, mixes up calls, or does not end when it is told to.
#
# The handlers are below t/templates/.  Each answers /request with method, path,
# query and the header X-Test, fails for /fail, and repeats the body of all
# else.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::HTTP;
use Faas::Proc qw(spawn);
use Faas::Template;
use Faas::Test;
use JSON::PP;
use Test::More;

use constant {
    CALLS   => 20,          # at a time
    STARTED => 60,          # seconds
};

# those of one process a call, and those that are a server
my @forked = qw(bash c go perl php python3 ruby);
my @served = qw(golang-middleware java node python3-http ruby-http rust);

my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    ./faas bash cc go java javac node perl php python3 ruby rustc)]);
my %dir;                    # where each was built
my $bytes = join '', map { chr } 0 .. 255;

# what is sent and comes back as it was
sub test_bodies {
    my ($lang) = @_;

    my %header = ('content-type' => 'application/octet-stream');
    # what streams wants a client that reads while it sends: this one does not
    my $large = $bytes x ($lang eq 'bash' ? 256 : 8192);

    is($t->post("/function/$lang/", $bytes, \%header)->{body}, $bytes,
        "$lang: all bytes pass");
    is($t->post("/function/$lang/", '', \%header)->{body}, '',
        "$lang: so does an empty body");
    ok($t->post("/function/$lang/", $large, \%header)->{body} eq $large,
        "$lang: so do " . length($large));

    return;
}

# 20 calls at a time, each with its own answer
sub test_concurrent {
    my ($lang) = @_;

    my @clients = map { Faas::HTTP->new($t->addr)
        // die "cannot connect: $@\n" } 1 .. CALLS;

    for my $i (0 .. $#clients) {
        $clients[$i]->send_request(POST => "/function/$lang/",
            { 'content-type' => 'application/octet-stream' }, "call $i");
    }

    my @answers = map { $_->response('POST')->{body} } @clients;

    is_deeply(\@answers, [map { "call $_" } 0 .. $#clients],
        "$lang: " . CALLS . ' calls at a time have an answer each');

    return;
}

sub test_request {
    my ($lang, $query, $status) = @_;

    my $res = $t->request(PUT => "/function/$lang/request?q=a%20b",
        { 'x-test' => 'mine' }, 'body');

    is($res->{status}, $status, "$lang: the status");
    is($res->{body}, "PUT /request $query mine",
        "$lang: method, path, query and headers");

    return $res;
}

sub test_error {
    my ($lang) = @_;

    my $res = $t->post("/function/$lang/fail", 'x');

    is($res->{status}, 500, "$lang: an error is 500");
    unlike($res->{body}, qr/deliberate/, "$lang: the client is not told more");
    wait_for(sub {
        $t->admin(GET => "/system/logs?name=$lang")->{body} =~ /deliberate/;
    }, 30, "log of $lang");
    pass("$lang: the log is");
    is($t->post("/function/$lang/", 'x', {
        'content-type' => 'application/octet-stream' })->{body}, 'x',
        "$lang: the next call is answered");

    return;
}

# A server without a watchdog: on a port, and told to end.
sub test_server {
    my ($lang) = @_;

    my $port = $t->free_port;
    my $image = decode_json(slurp("$dir{$lang}/image.json"));
    my $log = $t->dir . "/$lang.log";
    my $server = spawn(name => $lang, log => $log, dir => $dir{$lang},
        env => { http_port => $port, LISTEN_FDS => undef },
        cmd => [split / /, $image->{env}{fprocess}]);

    wait_for(sub {
        die "$lang does not start:\n" . slurp($log) if !$server->running;
        return http(POST => $port, '/', {}, 'x')->{status} == 200;
    }, STARTED, "answer of $lang");

    my $idle = Faas::HTTP->new($port);

    is($idle->request(HEAD => '/request?q=1', { 'x-test' => 1 })->{body}, '',
        "$lang: HEAD has no body");
    is($idle->request(POST => '/', { 'content-type' => 'text/plain' }, 'x')
        ->{body}, 'x', "$lang: a connection is used again");

    $server->signal('TERM');
    wait_for(sub { !$server->running }, STARTED, "end of $lang");
    is($server->status, 0, "$lang: SIGTERM ends it well");

    return;
}

for my $lang (@forked, @served) {
    $dir{$lang} = Faas::Template::build($t, $lang, $lang,
        $t->root . "/t/templates/$lang");
}

$t->start_stack(scaler => { functions => Faas::Template::functions($t) });

for my $lang (@forked) {
    Faas::Template::deploy($t, $lang);
    test_bodies($lang);
    test_request($lang, 'q=a%20b', 200);
    test_error($lang);
    test_concurrent($lang);
}

my %raw = map { $_ => 1 } qw(ruby-http rust);

for my $lang (@served) {
    Faas::Template::deploy($t, $lang);
    test_bodies($lang);

    my $res = test_request($lang, $raw{$lang} ? 'q=a%20b' : 'a b', 201);

    is($res->{headers}{'x-answer'}, 'yes', "$lang: a header");
    is($res->{headers}{'set-cookie'}, 'a=1, b=2', "$lang: a header twice")
        if $lang ne 'java';     # OpenFaaS' interface has a map

    test_error($lang);
    test_concurrent($lang);
    test_server($lang);
}

# what is a language's own

for my $lang (qw(node python3-http ruby-http)) {
    my $res = $t->post("/function/$lang/json", '{"a": [1, 2]}',
        { 'content-type' => 'application/json' });

    like($res->{headers}{'content-type'}, qr{^application/json},
        "$lang: an object is JSON");
    is_deeply(json_of($res), { a => [1, 2] }, "$lang: its content");
}

is($t->post('/function/node/', '{', { 'content-type' => 'application/json' })
    ->{status}, 400, 'node: a body that is no JSON is the client\'s fault');
is($t->get('/function/node/stream')->{body}, "data: 1\n\ndata: 2\n\n",
    'node: an iterable is streamed');

my $refused = $t->get('/function/node/refused');

is("$refused->{status} $refused->{body}", '409 no',
    'node: context.fail has a status and a text');
is($t->post('/function/rust/panic', 'x')->{status}, 500,
    'rust: a panic is 500');

$t->finish;
