#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Every route and every status of docs/openapi.yaml, through the gateway as it
# is shipped.  If this fails, the gateway answers otherwise than its users are
# told: in docs/openapi.yaml, or in docs/api.md.
#
# Each answer is checked against the description; which subtest has seen which
# status is what docs/api.md says of it.
#
# With FAAS_PROVIDER=swarm the scaler's functions are services of Docker Swarm,
# and the answers have to be the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::ApiTable;
use Faas::AsyncContract;
use Faas::BrowserContract;
use Faas::DiskContract;
use Faas::HTTP;
use Faas::OpenAPI;
use Faas::Test;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;

use constant {
    MAX_BODY => 20_000,
    CLOSED   => 'Basic ' . encode_base64('admin:wrong', ''),
};

my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)], provider => 1);
my $dir = $t->dir;
my $provider = $t->provider;
my $is_swarm = $provider->is_swarm;
my $api = Faas::OpenAPI->load($t->root . '/docs/openapi.yaml');
my $subtest;

my $table = Faas::ApiTable->load($t->root . '/docs/api.md', $api);
my $others = $is_swarm ? 'processes' : 'Swarm';

my @private = $table->operations_of('all of /system/');
my @scaler = $table->operations_of('all of /system/ but /system/feed');
my @calls = grep { $_->{path} =~ m{^/function/} } $api->operations;
my %is_route = map { $_ => 1 } Faas::ApiTable::routes(
    $t->root . '/scaler/api.c');

sub at {
    my ($name, $code) = @_;

    $subtest = $name;
    subtest $name => sub {
        $code->();
        done_testing() if !Test::More->builder->has_plan;
    };

    return;
}

# an answer has the status, and is as described
sub is_described {
    my ($method, $path, $res, $status, $name) = @_;

    my @wrong = $api->check($method, $path, $res, $subtest);

    is($res->{status}, $status, "$name: $status") or diag($res->{body});
    ok(!@wrong, "$name: as described") or diag(join "\n", @wrong);

    return;
}

# a request with the password; a body as a reference is sent as JSON
sub call {
    my ($status, $method, $path, $data, $name) = @_;

    $data = encode_json($data) if ref $data;
    $name //= "$method $path";

    my $res = $t->request($method, $path, { authorization =>
        $t->authorization }, $data);

    is_described($method, $path, $res, $status, $name);

    if ($status < 300 && defined $data) {
        my @wrong = $api->request_problems($method, $path, $data);

        ok(!@wrong, "$name: so is the request") or diag(join "\n", @wrong);
    }

    return $res;
}

# a call that is refused with this text
sub refused {
    my ($status, $method, $path, $data, $text) = @_;

    my $res = call($status, $method, $path, $data, "$method $path, $text");

    like($res->{body}, qr/\Q$text\E/, "$text: which is said");

    return;
}

# a path of an operation, of names that nobody has
sub path_of {
    my ($op) = @_;

    my $path = $op->{path} =~ s/\{\w+\}/nobody/gr;

    $path = '/async-function/fn' if $op->{operationId} eq 'callLater';

    return $path eq '/system/logs' ? "$path?name=nobody" : $path;
}

sub send_to {
    my ($addr, $op, %headers) = @_;

    my $client = Faas::HTTP->new($addr);

    $client->send_request($op->{method}, path_of($op), { connection => 'close',
        %headers }, $api->body_schema($op) ? '{}' : undef);

    return $client;
}

# the description has the routes that there are

at('description' => sub {
    my %described = map {
        ("$_->{method} " . $_->{path} =~ s/\{\w+\}.*$//r => 1)
    } grep { $_->{path} !~ m{^/(?:async-)?function/|^/system/feed$} }
        $api->operations;

    is_deeply([grep { !$described{$_} } sort keys %is_route], [],
        'each route of the scaler is described');
    is_deeply([grep { !$is_route{$_} } sort keys %described], [],
        'each route described is there');
});

# nginx alone

$t->start_nginx(vars => { PARK => '100ms', HTTP_EXTRA =>
    'faas_feed_viewers 1;' });

at('nothing runs' => sub {
    for my $op (grep { $_->{path} eq '/healthz' } $api->operations) {
        is_described($op->{method}, '/healthz',
            $t->request($op->{method}, '/healthz'), 503,
            "$op->{method} /healthz");
    }

    for my $op (@calls) {
        is_described($op->{method}, '/function/x',
            $t->request($op->{method}, '/function/x'), 503,
            "$op->{method} /function/x");
    }
});

at('no password' => sub {
    for my $op (@private) {
        my $path = path_of($op);

        is_described($op->{method}, $path, $t->request($op->{method}, $path),
            401, "$op->{method} $path");
        is_described($op->{method}, $path, $t->request($op->{method}, $path,
            { authorization => CLOSED }), 401,
            "$op->{method} $path, a wrong one");
    }
});

at('no scaler' => sub {
    call(502, $_->{method}, path_of($_)) for @scaler;
});

# calls, of functions that are fakes

my $backend = $t->start_backend(name => 'fake');

$t->start_redis;
$t->publish('open', $backend->addr);
$t->publish('busy', { max_inflight => 1, queue => 0 }, $backend->addr);
$t->publish('late', { timeout_ms => 200 }, $backend->addr);
$t->publish('empty');
wait_for(sub { $t->get('/function/open')->{status} == 200
    && $t->get('/function/empty')->{body} =~ /No endpoints/ }, 10, 'routes');

sub called {
    my ($status, $op, $path, %opt) = @_;

    my $res = $t->request($op->{method}, "/function/$path", $opt{headers},
        $opt{body});

    is_described($op->{method}, "/function/$path", $res, $status,
        "$op->{method} /function/$path");

    return $res;
}

at('health' => sub {
    for my $method (qw(GET HEAD)) {
        is_described($method, '/healthz', $t->request($method, '/healthz'),
            200, "$method /healthz");
    }
});

# browsers

my $browser = Faas::BrowserContract->new(test => $t, check => \&is_described,
    path => \&path_of);

at('feed' => sub { $browser->feed; });

at('calls' => sub {
    my $holder = Faas::HTTP->new($t->addr);

    $holder->send_request(GET => '/function/busy?gate=hold');
    wait_for(sub { $t->get('/metrics')->{body} =~
        /_inflight\{[^}]*busy[^}]*\} 1$/m }, 10, 'a call that is held');

    for my $op (@calls) {
        is(called(200, $op, 'open')->{headers}{'x-backend'}, 'fake',
            'the function answers');
        called(418, $op, 'open/status/418');
        called(404, $op, 'nobody');
        called(404, $op, 'nobody.team/and/more?x=y');
        called(413, $op, 'open', headers => { 'content-length' => 2 ** 31 });
        called(429, $op, 'busy');
        called(502, $op, 'open/close');
        called(503, $op, 'empty');
        called(504, $op, 'late?gate=hold');
    }

    $t->spew("$dir/fake.hold", '');
    is($holder->response->{status}, 200, 'the one that was held is answered');
});

# the scaler

my @scaler_args = ('--max-body', MAX_BODY, '--max-functions', 3,
    '--max-replicas', 5, '--max-followers', 1, '--scale-by-load', 'false');

$t->start_scaler(args => [@scaler_args]);
$provider->wait_known;

my %wordcount = (image => 'wordcount', envProcess => './wordcount');

$provider->images($t->root . '/build/samples', 'wordcount');

sub status_of {
    my ($name) = @_;

    return json_of($t->admin(GET => "/system/function/$name"));
}

sub last_error {
    return status_of($_[0])->{annotations}{'com.ngx-faas.last-error'} // '';
}

sub replicas_of { return status_of($_[0])->{replicas}; }

at('info' => sub {
    call(200, GET => '/system/info');
});

at('namespaces' => sub {
    my %team = (name => 'team', labels => { openfaas => '1' });
    my $path = '/system/namespace/team';

    is_deeply(json_of(call(200, GET => '/system/namespaces')),
        ['openfaas-fn'], 'the default namespace is there from the start');
    call(200, GET => '/system/namespace/openfaas-fn');
    call(404, GET => $path);
    call(404, GET => '/system/namespace/');
    call(404, GET => '/system/namespace/No_Name');
    call(404, PUT => $path, \%team);
    call(404, DELETE => $path);

    refused(400, POST => $path, '', 'the body is empty');
    refused(400, POST => $path, { %team, name => 'other' }, '"name"');
    refused(400, POST => $path, { name => 'team' }, '"labels"');
    refused(400, POST => $path, { %team, labels => { openfaas => '2' } },
        '"labels"');
    refused(400, POST => $path, { %team, annotations => [] },
        '"annotations"');
    refused(400, POST => '/system/namespace/', { %team, name => '' },
        'no name of a namespace');
    refused(400, POST => '/system/namespace/No_Name', { %team,
        name => 'No_Name' }, 'no name of a namespace');

    call(201, POST => $path, \%team);
    call(409, POST => $path, \%team);
    is_deeply(json_of(call(200, GET => '/system/namespaces')),
        ['openfaas-fn', 'team'], 'it is there');

    $team{annotations} = { owner => "J\x{fc}rgen" };
    refused(400, PUT => $path, { %team, labels => {} }, '"labels"');
    call(202, PUT => $path, \%team);
    is_deeply(json_of(call(200, GET => $path)), \%team, 'as it was given');

    call(400, DELETE => '/system/namespace/openfaas-fn');
    call(201, POST => '/system/namespace/other', { labels =>
        { openfaas => '1' }, annotations => undef });
    call(202, DELETE => '/system/namespace/other');
    call(404, GET => '/system/namespace/other');
});

at('secrets' => sub {
    my $path = '/system/secrets';
    my %key = (name => 'key', value => 'text');

    is_deeply(json_of(call(200, GET => $path)), [], 'none at the start');
    refused(400, GET => "$path?namespace=none", undef, '"namespace"');
    refused(400, GET => "$path?namespace=No_Name", undef, '"namespace"');

    for my $method (qw(POST PUT)) {
        refused(400, $method, $path, '[]', 'no JSON object');
        refused(400, $method, $path, { value => 'x' }, '"name"');
        refused(400, $method, $path, { %key, name => '../x' }, '"name"');
        refused(400, $method, $path, { name => 'key' }, '"value"');
        refused(400, $method, $path, { %key, rawValue => '*' }, '"rawValue"');
        refused(400, $method, $path, { %key, namespace => 'none' },
            '"namespace"');
    }

    call(404, PUT => $path, \%key);
    call(202, POST => $path, \%key);
    refused(409, POST => $path, \%key, 'exists');
    call(202, POST => $path, { name => 'key', namespace => 'team',
        rawValue => encode_base64("\0\xff", '') });
    call(202, PUT => $path, { %key, value => 'other' });
    is_deeply(json_of(call(200, GET => "$path?namespace=team")),
        [{ name => 'key', namespace => 'team' }],
        'names, and no values, of a namespace');

    refused(400, DELETE => $path, {}, '"name"');
    refused(400, DELETE => "$path?namespace=No_Name", { name => 'key' },
        '"namespace"');
    call(404, DELETE => $path, { name => 'none' });
    call(404, DELETE => $path, { name => 'key', namespace => 'none' });
    call(202, DELETE => "$path?namespace=team", { name => 'key' });
    is_deeply(json_of(call(200, GET => "$path?namespace=team")), [],
        'it is gone');
});

# Whether there is an image the nodes of a Swarm find out, when they start it.
sub no_image {
    my ($method, $path, $fn) = @_;

    if (!$is_swarm) {
        refused(400, $method, $path, $fn, '"image"');
        return;
    }

    call(202, $method, $path, $fn);

    return if $method eq 'PUT';     # the old replicas stay

    wait_for(sub { last_error($fn->{service}) =~ /image/i }, 30, 'the error');
    call(202, DELETE => $path, { functionName => $fn->{service} });

    return;
}

at('functions' => sub {
    my $path = '/system/functions';
    my %fn = (%wordcount, service => 'fn');
    my %full = (%fn, namespace => 'team', envVars => { a => "\x{e4}",
        empty => '' }, constraints => ['node.role == worker'],
        labels => { 'com.openfaas.scale.max' => '5', team => 'a' },
        annotations => { note => "two\nlines" },
        limits => { memory => '512Mi' }, requests => { cpu => '100m' },
        readOnlyRootFilesystem => JSON::PP::false,
        registryAuth => encode_base64('user:password', ''));

    is_deeply(json_of(call(200, GET => $path)), [], 'none at the start');
    refused(400, GET => "$path?namespace=none", undef, '"namespace"');
    refused(400, GET => "$path?namespace=No_Name", undef, '"namespace"');
    call(404, PUT => $path, \%fn);

    for my $method (qw(POST PUT)) {
        refused(400, $method, $path, 'x', 'no JSON');
        refused(400, $method, $path, { %fn, service => 'No_Name' },
            '"service"');
        refused(400, $method, $path, { %fn, service => "two\nlines\e[1m" },
            '"service": "two?lines?[1m"');
        refused(400, $method, $path, { %fn, service => 'x' . "\x{e9}" x 60 },
            '"service"');
        refused(400, $method, $path, { %fn, envVars => { fprocess => 'x' } },
            '"envVars"');
        refused(400, $method, $path, { %fn, $_ => { cpu => 1 } }, qq("$_"))
            for qw(limits requests);
    }

    no_image(POST => $path, { %fn, service => 'absent', image => 'none' });
    refused(400, POST => $path, { %fn, secrets => ['none'] }, '"secrets"');
    refused(400, POST => $path, { %fn, namespace => 'none' }, '"namespace"');

    call(202, POST => $path, { %fn, secrets => ['key'] });
    refused(400, POST => $path, \%fn, 'exists already');
    call(202, POST => $path, \%full);
    refused(409, DELETE => '/system/secrets', { name => 'key' }, 'fn');
    refused(409, DELETE => '/system/namespace/team', undef, 'team');

    call(202, POST => $path, { %fn, service => 'third' });
    refused(507, POST => $path, { %fn, service => 'fourth' },
        '--max-functions');

    is_deeply([map { "$_->{name}.$_->{namespace}" }
        @{ json_of(call(200, GET => $path)) }],
        [qw(fn.openfaas-fn third.openfaas-fn)], 'they are listed');
    is(scalar @{ json_of(call(200, GET => "$path?namespace=team")) }, 1,
        'by namespace');
    call(202, PUT => $path, { %fn, envVars => { a => undef } });
    is_deeply(json_of(call(200, GET => '/system/function/fn'))->{envVars},
        { a => '' }, 'null in a variable is the empty text');
    no_image(PUT => $path, { %fn, image => 'none' });
    call(202, PUT => $path, \%fn);

    my $status = json_of(call(200, GET => '/system/function/fn.team'));
    delete $status->{annotations}{'com.ngx-faas.last-error'};
    is_deeply([@$status{qw(envVars limits annotations)}],
        [@full{qw(envVars limits annotations)}], 'as it was given');
    call(200, GET => '/system/function/fn.team');
    call(404, GET => '/system/function/none');
    call(404, GET => '/system/function/fn.none');
    refused(400, GET => '/system/function/fn?namespace=No_Name', undef,
        '"namespace"');

    refused(400, DELETE => $path, {}, '"functionName"');
    refused(400, DELETE => $path, { functionName => 'a/b' },
        '"functionName": "a/b"');
    refused(400, DELETE => $path, { functionName => 'third',
        namespace => 1 }, '"namespace"');
    call(404, DELETE => $path, { functionName => 'third',
        namespace => 'team' });
    call(202, DELETE => $path, { functionName => 'third' });
    call(404, DELETE => $path, { functionName => 'third' });
    call(202, DELETE => "$path?namespace=team", { functionName => 'fn' });
    call(404, GET => '/system/function/fn.team');
});

at('failing function' => sub {
    call(202, POST => '/system/functions', { service => 'bad',
        image => 'wordcount', envProcess => './none',
        envVars => { mode => 'http' } });
    wait_for(sub { last_error('bad') }, 60, 'the error');
    call(200, GET => '/system/function/bad');
    call(200, GET => '/system/functions');
    call(202, DELETE => '/system/functions', { functionName => 'bad' });
});

# Docker is asked for what containers use once somebody asks the scaler

at('usage' => sub {
    my $path = '/system/function/fn';

    $t->wait_available('fn');

    for my $query ('', '?usage=0', '?usage=') {
        my $status = json_of(call(200, GET => "$path$query"));

        ok(!exists $status->{usage}, "none with \"$query\"");
    }

    my $usage = wait_for(sub {
        json_of(call(200, GET => "$path?usage=1"))->{usage};
    }, 60, 'usage');

    cmp_ok($usage->{totalMemoryBytes}, '>', 0, 'it has memory');
    ok(exists json_of(call(200, GET => "$path?usage=true"))->{usage},
        '"true" is the same');
});

at('scaling' => sub {
    my $path = '/system/scale-function/fn';

    for my $n (3, 0, 5) {
        call(202, POST => $path, { serviceName => 'fn', replicas => $n });
        is(replicas_of('fn'), $n, "$n replicas");
    }

    call(202, POST => "$path?namespace=openfaas-fn", { replicas => 1 });
    refused(400, POST => $path, { replicas => 6 }, '"replicas"');
    refused(400, POST => $path, { replicas => -1 }, '"replicas"');
    refused(400, POST => $path, { replicas => '1' }, '"replicas"');
    refused(400, POST => $path, {}, '"replicas"');
    refused(400, POST => $path, '{', 'no JSON');
    refused(400, POST => $path, { replicas => 1, namespace => 'No_Name' },
        '"namespace"');
    call(404, POST => '/system/scale-function/none', { replicas => 1 });
    call(404, POST => $path, { replicas => 1, namespace => 'team' });
    is(replicas_of('fn'), 1, 'as before');
});

sub alerts {
    my (@alerts) = @_;

    return { status => 'firing', receiver => 'scale-up', alerts => [map {
        { status => $_->[1], labels => { alertname => 'APIHighInvocationRate',
            function_name => $_->[0] } } } @alerts] };
}

at('alerts' => sub {
    my $path = '/system/alert';

    is(call(200, POST => $path, alerts(['fn', 'firing'],
        ['none', 'firing'], ['a/b', 'firing']))->{body}, '', 'no body');
    is(replicas_of('fn'), 2, 'one that fires adds 20 percent of 5');
    call(200, POST => $path, alerts(['fn.openfaas-fn', 'resolved']));
    is(replicas_of('fn'), 1, 'one that is resolved leaves the least');
    call(200, POST => $path, { alerts => [] });

    for my $body ('', 'x', '[]', {}, { alerts => 1 }, { alerts => [1] },
        { alerts => [{}] },
        { alerts => [{ status => 'firing', labels => [] }] },
        { alerts => [('') x 257] })
    {
        refused(400, POST => $path, $body,
            'Unable to parse alert, bad format. ');
    }
});

at('logs' => sub {
    my $path = '/system/logs';

    call(202, PUT => '/system/functions', { service => 'fn',
        image => 'wordcount', envProcess => 'sh -c "cat; echo noted >&2"' });
    $t->wait_available('fn');
    wait_for(sub {
        $t->post('/function/fn', 'x');
        return $t->admin(GET => "$path?name=fn")->{body} =~ /noted/;
    }, 20, 'a line');

    my $res = call(200, GET => "$path?name=fn&tail=1");
    is(scalar(() = $res->{body} =~ /\n/g), 1, 'one line by tail=1');

    my ($line) = map { decode_json($_) } $res->{body};

    call(200, GET => "$path?name=fn.openfaas-fn&tail=-1&follow=0");
    call(200, GET => "$path?name=fn&namespace=openfaas-fn&instance="
        . $line->{instance});
    is(call(200, GET => "$path?name=fn&instance=none")->{body}, '',
        'none of another replica');
    is(call(200, GET => "$path?name=fn&since=2999-01-01T00:00:00Z")->{body},
        '', 'none since the future');
    call(404, GET => "$path?name=none");
    call(404, GET => "$path?name=fn&namespace=team");
    call(422, GET => $path);
    call(422, GET => "$path?name=");
    call(422, GET => "$path?name=fn&tail=x");
    call(422, GET => "$path?name=fn&since=yesterday");

    my $follower = Faas::HTTP->new($t->addr);

    $follower->send_request(GET => "$path?name=fn&follow=1",
        { authorization => $t->authorization });
    like($follower->read_some(10), qr/^HTTP\S+ 200 /, 'one client follows');
    call(503, GET => "$path?name=fn&follow=1");
    $follower->abort;
    call(202, PUT => '/system/functions', { %wordcount, service => 'fn' });
});

at('cross-site' => sub {
    $browser->cross_site($table->operations_of('all of /system/ that changes '
        . 'something'));
});

# what is too large for the scaler, and for the gateway before it

at('too large' => sub {
    for my $op (@private) {
        my %response = $api->responses($op);

        next if !$response{413};

        for my $size (MAX_BODY + 1, 2 ** 20 + 1) {
            call(413, $op->{method}, path_of($op),
                '{"x":"' . 'x' x ($size - 8) . '"}',
                "$op->{method} $op->{path}, $size bytes");
        }
    }
});

# each change of the state folder fails; of the Swarm, by an error of Docker's

my $disk = Faas::DiskContract->new(test => $t, refused => \&refused);

at('disk' => sub {
    my %fn = (%wordcount, service => 'fn');
    my %secret = (name => 'key', value => 'x');
    my %team = (name => 'team', labels => { openfaas => '1' });
    my $before = status_of('fn');

    $disk->unwritable(functions => POST => '/system/functions', { %fn,
        service => 'new' });
    $disk->unwritable(functions => PUT => '/system/functions', { %fn,
        labels => { x => 'y' } });
    $disk->unwritable(functions => POST => '/system/scale-function/fn',
        { replicas => 2 });
    $disk->unwritable(functions => POST => '/system/alert',
        alerts(['none', 'firing'], ['fn', 'firing'], ['fn', 'firing']));
    $disk->unwritable('secrets/openfaas-fn' => POST => '/system/secrets',
        { %secret, name => 'new' });
    $disk->unwritable('secrets/openfaas-fn' => PUT => '/system/secrets',
        \%secret);
    $disk->unwritable(namespaces => POST => '/system/namespace/new', { %team,
        name => 'new' });
    $disk->unwritable(namespaces => PUT => '/system/namespace/team', \%team);

    $disk->undeletable('functions/fn.openfaas-fn', DELETE =>
        '/system/functions', { functionName => 'fn' });
    $disk->undeletable('secrets/openfaas-fn/key', DELETE => '/system/secrets',
        { name => 'key' });
    $disk->undeletable('namespaces/team', DELETE => '/system/namespace/team',
        undef);

    is_deeply([@{ status_of('fn') }{qw(replicas labels)}],
        [@$before{qw(replicas labels)}], 'the function is as it was');
    is(scalar @{ json_of(call(200, GET => '/system/functions')) }, 1,
        'and the only one');
    is_deeply([map { $_->{name} }
        @{ json_of(call(200, GET => '/system/secrets')) }], ['key'],
        'so is the secret');
    call(200, GET => '/system/namespace/team');
    call(404, GET => '/system/namespace/new');
});

# asynchronous calls, that no worker takes

my $async = Faas::AsyncContract->new(test => $t, call => \&call,
    check => \&is_described, path => \&path_of, send => \&send_to);

at('async' => sub { $async->answers; });

at('no redis' => sub {
    $async->without_redis(map { $table->operations_of($_) }
        'all of /system/async', 'all of /async-function/');
});

# what is not described

at('other methods' => sub {
    my %has;

    $has{ $_->{path} }{ $_->{method} } = 1 for $api->operations;

    for my $path (sort keys %has) {
        for my $method (grep { !$has{$path}{$_} }
            qw(GET HEAD POST PUT PATCH DELETE OPTIONS))
        {
            my $res = $t->admin($method, $path =~ s/\{\w+\}/fn/r);

            is("$res->{status} $res->{body}", '405 ', "$method $path");
        }
    }
});

at('other paths' => sub {
    for my $path ('/system', '/system/', '/system/functions/',
        '/system/function/', '/system/function/a$b', '/system/function/a.',
        '/system/function/' . 'a' x 64, '/system/function/fn/more',
        '/system/function/f%6e', '/system/scale-function/',
        '/system/namespace/team/more', '/system/secrets/', '/system/none',
        '/healthz/', '/function', '/function/', '/none', '/system/async/',
        '/system/async/calls/a*b', '/async-function', '/async-function/')
    {
        my $res = $t->admin(GET => $path);

        ok(!$api->has_path($path), "$path is not described");
        is("$res->{status} $res->{body}", "404 404 page not found\n",
            "$path: 404");
        is($res->{headers}{'content-type'}, 'text/plain; charset=utf-8',
            "$path: text");
        is($res->{headers}{'x-content-type-options'}, 'nosniff',
            "$path: not sniffed");
    }
});

# a scaler that hangs, also where a log may be followed for longer

at('slow scaler' => sub {
    my $addr = '127.0.0.1:' . $t->start_hasty_nginx->port;

    kill 'STOP', $t->scaler->pid;

    my @sent = map { [$_, send_to($addr, $_, authorization =>
        $t->authorization)] } @scaler;

    for my $sent (@sent) {
        my ($op, $client) = @$sent;

        is_described($op->{method}, path_of($op),
            $client->response($op->{method}), 504,
            "$op->{method} $op->{path}");
    }

    kill 'CONT', $t->scaler->pid;
    wait_for(sub { http(GET => $t->scaler_addr, '/healthz')->{status} == 200 },
        30, 'the scaler');
    call(200, GET => '/system/functions');
});

# Docker does not answer, from the start

at('no docker' => sub {
    plan(skip_all => 'processes need no Docker') if !$is_swarm;

    $provider->proxy->mode('refuse');
    $t->scaler->stop;
    $t->start_scaler(args => [@scaler_args]);

    for my $op ($table->operations_of('all of /system/ that need Docker')) {
        my $path = path_of($op);

        refused(503, $op->{method}, $path, Faas::ApiTable::body_of($op),
            'Docker does not answer');
    }

    refused(500, POST => '/system/alert', alerts(['fn', 'firing']),
        '[0] Docker does not answer');
    call(200, GET => '/system/info');

    $provider->proxy->mode('pass');
    $provider->wait_known;
    call(200, GET => '/system/functions');
});

# all has been seen, and the table in docs/api.md says where

at('coverage' => sub {
    my %ours = $table->statuses($others);
    my %all = $table->statuses;

    for my $op ($api->operations) {
        my %response = $api->responses($op);
        my $id = $op->{operationId};

        for my $status (sort keys %response) {
            my @where = $api->seen($id, $status);

            my $is_other = $all{$id}{$status} && !$ours{$id}{$status};

            is(@where == 0, !!$is_other, $is_other ? "$id: $status is of "
                . $others : "$id: $status has been seen");
        }
    }
});

at('table' => sub {
    for my $row ($table->rows($others)) {
        my @operations = $table->operations_of($row->{route});

        ok(@operations && defined $row->{subtest} && $row->{when} ne '',
            "a row has its parts: $row->{route} $row->{status}");

        for my $op (@operations) {
            ok($table->is_shown($row, $op), "$op->{operationId}, "
                . "$row->{status}: $row->{file} $row->{subtest} shows it");
        }
    }

    my %row = $table->statuses;

    for my $op ($api->operations) {
        my %response = $api->responses($op);

        ok($row{ $op->{operationId} }{$_}, "$op->{operationId}, $_: a row")
            for sort keys %response;
    }
});

$t->finish;
