#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The admin API and the settings of the scaler.  If this fails, clients of
# OpenFaaS do not get the answers they know, or what is wrong with a request
# or a setting is not said.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::Proc;
use Faas::Redis;
use Faas::Test;
use IO::Socket::UNIX;
use JSON::PP;
use Test::More;


my $t = Faas::Test->new(need => [qw(redis-server scaler watchdog samples)]);
my $dir = $t->dir;
my %base = (service => 'fn', image => 'wordcount',
    envProcess => './wordcount');

$t->start_redis;

# a deployment that is refused, and what is said
sub refused {
    my ($change, $pattern, $name) = @_;

    my $res = call(POST => '/system/functions', { %base, %$change });

    is($res->{status}, 400, "$name: 400");
    like($res->{body}, qr/^[^\n]*$pattern[^\n]*\n$/, "$name: the reason");

    return;
}

# the scaler run to its end
sub run {
    my (%opt) = @_;

    return Faas::Proc::run_command([$t->build . '/faas-scaler',
        @{ $opt{args} }], log => "$dir/run.out",
        env => { %{ Faas::Test::san_env() }, %{ $opt{env} // {} } });
}

sub run_with {
    my (%change) = @_;

    my %option = ('--listen' => "unix:$dir/other.sock",
        '--state-dir' => "$dir/other", '--redis' => $t->redis_addr,
        '--watchdog' => $t->build . '/faas-watchdog', %change);

    return run(args => [map { $_ => $option{$_} } grep { defined $option{$_} }
        sort keys %option]);
}

sub refuses_to_start {
    my ($res, $status, $pattern, $name) = @_;

    is($res->{status}, $status, "$name: exit status $status");
    like($res->{output}, $pattern, "$name: the reason");

    return;
}

# settings

my $res = run(args => ['--help']);
is($res->{status}, 0, '--help');
like($res->{output}, qr/^usage: faas-scaler .*--state-dir\b/s,
    '--help shows the usage');
like($res->{output}, qr/--max-replicas\n.*\(64\)$/m, 'with the defaults');
is(run(args => ['--version'])->{output} =~ /^faas-scaler \d/, 1, '--version');

refuses_to_start(run(args => ['--no-such', 1]), 2,
    qr/unknown option "--no-such", see --help/, 'unknown option');
refuses_to_start(run(args => ['listen']), 2, qr/unknown option "listen"/,
    'no option at all');
refuses_to_start(run(args => ['--listen']), 2, qr/--listen wants a value/,
    'option without its value');
refuses_to_start(run(args => ['--listen', 'unix:/x']), 2,
    qr/--state-dir is missing/, 'missing option');
refuses_to_start(run_with('--drain-timeout' => '5 minutes'), 2,
    qr/--drain-timeout: "5 minutes" is no duration from 0ms/, 'bad duration');
refuses_to_start(run_with('--redis-timeout' => '1ms'), 2,
    qr/--redis-timeout: "1ms" is no duration from 100ms/, 'short duration');
refuses_to_start(run_with('--max-replicas' => 257), 2,
    qr/--max-replicas: "257" is no number from 1 to 256/, 'number too large');
refuses_to_start(run_with('--log-level' => 'loud'), 2,
    qr/--log-level: "loud" is none of/, 'bad log level');
refuses_to_start(run(args => [], env => { FAAS_SCALER_MAX_LOG => 'x' }), 2,
    qr/environment: --max-log: "x" is no number/, 'bad variable');
refuses_to_start(run_with('--redis' => 'localhost'), 1,
    qr/--redis: "localhost" is no address/, 'bad address of Redis');
refuses_to_start(run_with('--redis-prefix' => 'x' x 65), 1,
    qr/--redis-prefix has more than 64 bytes/, 'long prefix');
refuses_to_start(run_with('--redis-password-file' => "$dir/none"), 1,
    qr/--redis-password-file: cannot open .*No such file/,
    'missing password file');
refuses_to_start(run_with('--redis-password-file' => '/dev/null'), 1,
    qr/has no password in its first line/, 'empty password file');
refuses_to_start(run_with('--watchdog' => "$dir/none"), 1,
    qr/--watchdog: cannot use \S+none: No such file/, 'missing watchdog');
refuses_to_start(run_with('--gateway-user' => 'no-such-user'), 1,
    qr/--gateway-user: there is no user "no-such-user"/, 'unknown user');
refuses_to_start(run_with('--listen' => 'unix:relative'), 1,
    qr/--listen: "unix:relative" is no address/, 'bad address');
refuses_to_start(run_with('--listen' => "unix:$dir/" . 'x' x 108), 1,
    qr/--listen: .* is no address/, 'long address');
refuses_to_start(run_with('--state-dir' => "$dir/no/such"), 1,
    qr/cannot make the state folder \S+such: No such file/,
    'state folder in nothing');
refuses_to_start(run_with('--state-dir' => "$dir/" . 's' x 100), 1,
    qr/the path of the state folder, .* has more than \d+ bytes/,
    'long path of the state folder');

$t->spew("$dir/file.sock", 'precious');
refuses_to_start(run_with('--listen' => "unix:$dir/file.sock"), 1,
    qr/--listen: \S+ is there and no socket/, 'a file in the way');
is(slurp("$dir/file.sock"), 'precious', 'which stays');

# one that runs

$t->start_scaler(args => ['--max-replicas=30', '--max-functions', 12,
    '--max-body', 20000], env => { FAAS_SCALER_MAX_REPLICAS => 7 });

refuses_to_start(run_with('--state-dir' => "$dir/state"), 1,
    qr/another scaler uses the state folder/, 'two on a state folder');
refuses_to_start(run_with('--listen' => $t->scaler_addr), 1,
    qr/another process listens on \S+scaler.sock/, 'two on an address');
is(call(GET => '/healthz')->{status}, 200, 'the one that runs goes on');
is((stat "$dir/scaler.sock")[2] & 0777, 0660, 'mode of its socket');

# healthz, info, unknown paths and methods

$res = call(GET => '/healthz');
is($res->{body}, 'OK', 'healthz says OK');
$res = call(HEAD => '/healthz');
is("$res->{status} $res->{body}", '200 ', 'HEAD of healthz');

$res = call(GET => '/system/info');
my $info = json_of($res);
is($res->{status}, 200, 'info');
is($res->{headers}{'content-type'}, 'application/json', 'info is JSON');
is_deeply([$info->{provider}{provider}, $info->{provider}{orchestration}],
    ['faas-process', 'process'], 'info names the provider');
ok(exists $info->{version}{sha} && exists $info->{version}{release}
    && exists $info->{provider}{version}{release} && $info->{arch},
    'info has the members that clients read');

for my $path ('/', '/system', '/system/functions/', '/system/function/',
    '/system/function/a$b', '/system/function/' . 'a' x 64,
    '/system/function/a/b', '/system/scale-function/')
{
    $res = call(GET => $path);
    is("$res->{status} $res->{body}", "404 404 page not found\n",
        'unknown path ' . substr $path, 0, 40);
}

for my $case ([PATCH => '/system/functions'], [OPTIONS => '/system/functions'],
    [POST => '/system/function/x'], [GET => '/system/scale-function/x'],
    [POST => '/system/info'], [POST => '/healthz'], [DELETE => '/healthz'],
    [TRACE => '/healthz'], [HEAD => '/system/functions'])
{
    $res = call(@$case);
    is("$res->{status} $res->{body}", '405 ', "wrong method @$case");
}

is(call(PROPFIND => '/healthz')->{status}, 501, 'a method unknown to HTTP');

# refused deployments

for my $case (['{"service": "a",}', qr/line 1, column \d+/, 'bad JSON'],
    ["{\n\"service\":\n]", qr/line 3, column 1\b/, 'bad JSON, third line'],
    ['{"service":"a","service":"b"}', qr/duplicate/, 'duplicate keys'],
    ['[]', qr/no JSON object/, 'an array'], ['"x"', qr/no JSON/, 'a string'],
    ['', qr/the body is empty/, 'empty'],
    ['{"service":"a' . "\xff" . '"}', qr/decode byte 0xff/, 'no UTF-8'],
    ['{"service":"a\u0000b"}', qr/\\u0000/, 'a zero byte'],
    ['[' x 10_000, qr/nested more than 32 deep/, 'deeply nested'])
{
    my ($body, $pattern, $name) = @$case;

    for my $call ([POST => '/system/functions'], [PUT => '/system/functions'],
        [DELETE => '/system/functions'],
        [POST => '/system/scale-function/fn'])
    {
        $res = call(@$call, $body);
        is($res->{status}, 400, "$name: 400 to @$call");
        like($res->{body}, qr/^[^\n]*$pattern[^\n]*\n$/,
            "$name: the reason, to @$call");
    }
}

is($res->{headers}{'content-type'}, 'text/plain; charset=utf-8',
    'an error is text');
is($res->{headers}{'x-content-type-options'}, 'nosniff', 'and not sniffed');

refused({ service => undef }, qr/"service" is missing/, 'no service');
refused({ service => '' }, qr/"service" has 0 bytes/, 'empty service');
refused({ service => 7 }, qr/"service" is no string/, 'service a number');
refused({ service => $_ }, qr/"service": "\Q$_\E" is no name/, "service $_")
    for 'Upper', '-a', 'a-', 'a.b', 'a_b', '../x', 'a' x 64;
refused({ namespace => 'prod' }, qr/"namespace": "prod" does not exist/,
    'another namespace');
refused({ namespace => 1 }, qr/"namespace" is no string/,
    'namespace a number');
refused({ image => undef }, qr/"image" is missing/, 'no image');
refused({ image => 'none' },
    qr/"image": there is no "none", which would be .*none\/\@latest/,
    'image that is missing');
refused({ image => 'wordcount/wordcount' },
    qr/there is no "wordcount\/wordcount"/, 'image that is a file');
refused({ envProcess => undef }, qr/"envProcess" is missing/,
    'no envProcess');
refused({ envProcess => '' }, qr/"envProcess" is missing/,
    'empty envProcess');
refused({ envProcess => [] }, qr/"envProcess" is no string/,
    'envProcess an array');
refused({ envVars => [] }, qr/"envVars": no object/, 'envVars an array');
refused({ envVars => { 'a b' => '' } }, qr/"envVars": "a b" is no name/,
    'variable with a space');
refused({ envVars => { '1a' => '' } }, qr/"1a" is no name/,
    'variable with a digit first');
refused({ envVars => { 'a=b' => '' } }, qr/"a=b" is no name/,
    'variable with =');
refused({ envVars => { '' => 'x' } }, qr/"" is no name/,
    'variable without a name');
refused({ envVars => { a => 1 } }, qr/"envVars": "a" is no string/,
    'variable that is a number');
refused({ envVars => { $_ => 'x' } }, qr/"$_" is set by the platform/,
    "reserved variable $_") for qw(LISTEN_FDS LISTEN_PID fprocess TMPDIR port);
refused({ envVars => { map { ("v$_" => '') } 1 .. 257 } },
    qr/at most 256/, 'too many variables');
refused({ labels => { a => 1 } }, qr/"labels": "a" is no string/,
    'label that is a number');
refused({ labels => 'x' }, qr/"labels" is no object/, 'labels a string');
refused({ annotations => { a => {} } }, qr/"annotations": "a" is no string/,
    'annotation that is an object');
refused({ labels => { 'com.openfaas.scale.min' => '5',
    'com.openfaas.scale.max' => '4' } },
    qr/scale\.min is 5, more than com\.openfaas\.scale\.max, 4/,
    'min over max');
refused({ labels => { 'com.openfaas.scale.max' => '31' } },
    qr/scale\.max is "31", expected a number from 0 to 30/,
    'max over --max-replicas');
refused({ labels => { 'com.openfaas.scale.min' => '1x' } },
    qr/scale\.min is "1x", expected a number/, 'min that is no number');
refused({ limits => { memory => '12x' } },
    qr/"limits": memory is "12x", expected bytes from 1Mi to 1Pi/, 'memory');
refused({ requests => { cpu => '0' } },
    qr/"requests": cpu is "0", expected cores from 1m to 1024/, 'cpu');
refused({ limits => { cpu => '1' }, requests => { cpu => '2' } },
    qr/"requests": cpu is more than that of "limits"/, 'more than the limit');
refused({ secrets => ['s'] },
    qr/"secrets": there is no secret "s" in the namespace openfaas-fn/,
    'a secret');
refused({ constraints => 'x' }, qr/"constraints" is not an array of strings/,
    'constraints a string');
refused({ limits => [] }, qr/"limits" is not an object/, 'limits an array');
refused({ readOnlyRootFilesystem => 'yes' },
    qr/"readOnlyRootFilesystem" is not true or false/, 'a flag a string');

is_deeply(json_of(call(GET => '/system/functions')), [],
    'nothing of all that is deployed');
is_deeply([glob "$dir/state/functions/*"], [], 'nor on disk');

# too large

$res = call(POST => '/system/functions', '{"x":"' . 'a' x 20_000 . '"}');
is($res->{status}, 413, 'a body over --max-body: 413');
is(call(GET => '/healthz')->{status}, 200, 'and the scaler goes on');

# deploy, get, list

my %full = (%base, envVars => { greeting => "h\x{e4}llo", empty => '' },
    labels => { 'com.openfaas.scale.max' => '30', team => 'a' },
    annotations => { note => 'b' }, constraints => [], secrets => [],
    limits => { memory => '20Mi' }, requests => undef,
    readOnlyRootFilesystem => JSON::PP::false, network => '',
    namespace => 'openfaas-fn', unknown => [1]);

$res = call(POST => '/system/functions', \%full);
is("$res->{status} $res->{body}", '202 ', 'deploy: 202, no body');

$res = call(POST => '/system/functions', \%full);
is($res->{status}, 400, 'deploy of what exists: 400');
like($res->{body}, qr/fn\.openfaas-fn exists already, update it with PUT/,
    'which says so');

wait_for(sub {
    json_of(call(GET => '/system/function/fn'))->{availableReplicas} == 1;
}, 20, 'a replica');

$res = call(GET => '/system/function/fn?usage=1');
my $status = json_of($res);
is($res->{status}, 200, 'get: 200');
is($res->{headers}{'content-type'}, 'application/json', 'get: JSON');
my $created = delete $status->{createdAt};
my $usage = delete $status->{usage};
cmp_ok($usage->{totalMemoryBytes}, '>', 4096, 'get: memory in use');
cmp_ok($usage->{cpu}, '>=', 0, 'get: CPU in use');
like($created, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'get: createdAt');
is_deeply($status, { name => 'fn', image => 'wordcount',
    namespace => 'openfaas-fn', envProcess => './wordcount',
    envVars => $full{envVars}, labels => $full{labels},
    annotations => $full{annotations}, limits => $full{limits},
    invocationCount => 0, replicas => 1, availableReplicas => 1 },
    'get: what was deployed');
is_deeply(json_of(call(GET => '/system/functions'))->[0],
    { %$status, createdAt => $created }, 'list: the same');
is(call(GET => '/system/function/fn.openfaas-fn')->{status}, 200,
    'get by the full name');
is(call(GET => '/system/function/fn?namespace=openfaas-fn')->{status}, 200,
    'get with the namespace');
is(call(GET => '/system/function/fn?namespace=')->{status}, 200,
    'get with an empty namespace');
is(call(GET => '/system/function/fn.other')->{status}, 404,
    'get of another namespace, by the name');

$res = call(GET => '/system/functions?namespace=x');
is($res->{status}, 400, 'another namespace: 400 to the list');
like($res->{body}, qr/"x" does not exist/, 'and which');

for my $case ([GET => '/system/function/fn?namespace=x'],
    [DELETE => '/system/functions?namespace=x', { functionName => 'fn' }],
    [DELETE => '/system/functions', { functionName => 'fn',
        namespace => 'x' }],
    [POST => '/system/scale-function/fn?namespace=x', { replicas => 1 }],
    [POST => '/system/scale-function/fn', { replicas => 1,
        namespace => 'x' }])
{
    $res = call(@$case);
    is($res->{status}, 404, "another namespace: 404 to $case->[0] $case->[1]");
    like($res->{body}, qr/fn\.x not found/, 'and which');
}

like(call(POST => '/system/scale-function/fn', { replicas => 1,
    namespace => [] })->{body}, qr/"namespace" is no string/,
    'a namespace that is no string');

$res = call(GET => '/system/function/none');
is($res->{status}, 404, 'get of nothing: 404');
like($res->{body}, qr/^function none\.openfaas-fn not found\n$/,
    'which says so');
is(call(GET => '/system/functions?%zz=%')->{status}, 200,
    'an odd query does no harm');

# the smallest deployment

$res = call(POST => '/system/functions', { %base, service => 'small',
    labels => undef, annotations => undef });
is($res->{status}, 202, 'deploy with null for labels');
$status = json_of(call(GET => '/system/function/small'));
is_deeply([@$status{qw(labels annotations)}], [{}, {}],
    'labels and annotations are objects');

# scale

for my $case ([{ replicas => 31 }, qr/"replicas": 31 are more than 30, see/],
    [{ replicas => -1 }, qr/"replicas" is no number, 0 or more/],
    [{ replicas => '2' }, qr/"replicas" is no number/],
    [{ replicas => 1.5 }, qr/"replicas" is no number/],
    [{}, qr/"replicas" is no number/],
    ['{"replicas":99999999999999999999}', qr/too big/])
{
    $res = call(POST => '/system/scale-function/fn', $case->[0]);
    is($res->{status}, 400, 'scale: 400');
    like($res->{body}, $case->[1], 'scale: the reason');
}

is(call(POST => '/system/scale-function/none', { replicas => 1 })->{status},
    404, 'scale of nothing: 404');
is(call(POST => '/system/scale-function/fn?namespace=openfaas-fn',
    { serviceName => 'fn', replicas => 3 })->{status}, 202, 'scale: 202');
is(json_of(call(GET => '/system/function/fn'))->{replicas}, 3,
    'scale takes effect at once');

# update

is(call(PUT => '/system/functions', { %base, service => 'none' })->{status},
    404, 'update of nothing: 404');
is(call(PUT => '/system/functions', { %base, image => 'none' })->{status},
    400, 'update to nothing: 400');
$res = call(PUT => '/system/functions', { %base, envVars => { a => 'b' } });
is("$res->{status} $res->{body}", '202 ', 'update: 202, no body');
$status = json_of(call(GET => '/system/function/fn'));
is_deeply($status->{envVars}, { a => 'b' }, 'update takes effect');
is($status->{replicas}, 3, 'and keeps the replicas');
is($status->{createdAt}, $created, 'and the time of creation');
is(call(PUT => '/system/functions', { %base, labels => {
    'com.openfaas.scale.max' => '2' } })->{status}, 202, 'update of a bound');
is(json_of(call(GET => '/system/function/fn'))->{replicas}, 2,
    'cuts the replicas');

# delete

for my $case ([{}, qr/"functionName" is missing/],
    [{ functionName => '' }, qr/"functionName" has 0 bytes/],
    [{ functionName => 5 }, qr/"functionName" is no string/],
    [{ functionName => 'a b' }, qr/"a b" is no name of a function/])
{
    $res = call(DELETE => '/system/functions', $case->[0]);
    is($res->{status}, 400, 'delete without a name: 400');
    like($res->{body}, $case->[1], 'which says so');
}

is(call(DELETE => '/system/functions', { functionName => 'none' })->{status},
    404, 'delete of nothing: 404');
$res = call(DELETE => '/system/functions', { functionName => 'fn' });
is("$res->{status} $res->{body}", '202 ', 'delete: 202, no body');
is(call(GET => '/system/function/fn')->{status}, 404, 'and it is gone');
is(call(DELETE => '/system/functions?namespace=x', { functionName => 'small',
    namespace => 'openfaas-fn' })->{status}, 202, 'the body has the last word');

# as many as allowed

is(call(POST => '/system/functions', { %base, service => "m$_" })->{status},
    202, "function $_ of 12") for 1 .. 12;
$res = call(POST => '/system/functions', { %base, service => 'm13' });
is($res->{status}, 507, 'one more: 507');
like($res->{body}, qr/there are 12 functions, .*--max-functions/, 'and why');
is(call(DELETE => '/system/functions', { functionName => 'm3' })->{status},
    202, 'after a removal');
is(call(POST => '/system/functions', { %base, service => 'm13' })->{status},
    202, 'there is room');
is(call(DELETE => '/system/functions', { functionName => "m$_" })->{status},
    202, "m$_ removed") for 1, 2, 4 .. 13;

# one connection, several requests; and several clients

my $client = Faas::HTTP->new($t->scaler_addr);
my @seen;
push @seen, $client->request(GET => '/system/functions')->{status};
push @seen, $client->request(POST => '/system/functions', {},
    encode_json(\%base))->{status};
push @seen, $client->request(POST => '/system/functions', {},
    '{"bad"')->{status};
push @seen, $client->request(PATCH => '/healthz', {}, 'body')->{status};
push @seen, $client->request(POST => '/system/functions',
    { 'transfer-encoding' => 'chunked' }, "3\r\n{\"a\r\n2\r\n\":\r\n"
    . "2\r\n1}\r\n0\r\n\r\n")->{status};
push @seen, $client->request(GET => '/system/function/fn')->{status};
is("@seen", '200 202 400 405 400 200', 'requests on a kept connection');

my @clients = map { Faas::HTTP->new($t->scaler_addr) } 1 .. 30;
my @names = map { "c$_" } 1 .. 10;
$clients[$_]->send_request(POST => '/system/functions', {},
    encode_json({ %base, service => $names[$_ % 10] })) for 0 .. 29;
my %count;
$count{ $_->response('POST')->{status} }++ for @clients;
is_deeply(\%count, { 202 => 10, 400 => 20 },
    'thirty clients deploy ten functions: each is deployed once');
is(@{ json_of(call(GET => '/system/functions')) }, 11, 'all are there');

# clients that misbehave

my @stray;
for my $text ("GET", "POST /system/functions HTTP/1.1\r\nContent-Length: 9\r\n"
    . "\r\n{", "\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
    "POST /system/functions HTTP/1.1\r\nContent-Length: x\r\n\r\n",
    "POST /system/functions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz",
    "GET /healthz HTTP/1.1\r\nX: " . 'x' x 70_000 . "\r\n\r\n")
{
    my $stray = Faas::HTTP->new($t->scaler_addr);
    $stray->write($text);
    push @stray, $stray;
}
is(call(GET => '/healthz')->{status}, 200, 'others are served');
$_->close for @stray;
$clients[0]->send_request(GET => '/system/functions');
$clients[0]->close;
is(call(GET => '/healthz')->{status}, 200, 'also when they leave early');

# the end, and a new start

$t->scaler->stop;
ok(!-e "$dir/scaler.sock", 'a scaler that ends takes its socket away');

$t->start_scaler;
$t->scaler->crash;
ok(-S "$dir/scaler.sock", 'one that is killed leaves it');
$t->start_scaler(args => ['--max-replicas', 2]);
is(call(GET => '/healthz')->{status}, 200, 'and the next one replaces it');
is(@{ json_of(call(GET => '/system/functions')) }, 11,
    'the functions are there, with a lower --max-replicas too');
is_deeply([glob "$dir/state/functions/*.bad"], [], 'none was set aside');

# on TCP

my $port = $t->free_port;
my $tcp = Faas::Proc::spawn(name => 'scaler-tcp', log => "$dir/tcp.log",
    env => Faas::Test::san_env(), cmd => [$t->build . '/faas-scaler',
        '--listen', "127.0.0.1:$port", '--state-dir', "$dir/tcp",
        '--redis', $t->redis_addr, '--redis-prefix', 'tcp:',
        '--watchdog', $t->build . '/faas-watchdog']);
wait_for(sub {
    http(GET => $port, '/healthz')->{status} == 200;
}, 20, 'the scaler on TCP');
pass('an address of TCP');
$tcp->stop;
is($tcp->status, 0, 'SIGTERM: exit status 0');

$t->finish;
