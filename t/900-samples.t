#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The whole way: a function is deployed through the gateway and called, with
# every sample.  If this fails, the product does not do its job.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler watchdog
    samples)]);

$t->start_stack(nginx => { vars => { PARK => '50ms' } });

# who may

my $res = $t->get('/system/functions');
is($res->{status}, 401, 'the admin API wants a password');
is($res->{body}, 'invalid credentials', 'with the text that clients know');
is($res->{headers}{'www-authenticate'}, 'Basic realm="Restricted"',
    'and the challenge that browsers know');
is($t->get('/ui/')->{status}, 401, 'so does the portal');
is($t->request(GET => '/system/functions', { authorization =>
    'Basic YWRtaW46d3Jvbmc=' })->{status}, 401, 'a wrong one is refused');

$res = $t->admin(GET => '/system/functions');
is($res->{status}, 200, 'the right one is accepted');
is_deeply(json_of($res), [], 'nothing is deployed');

# each sample

$t->deploy($_) for qw(wordcount hello-python hello-node env fail);

$res = $t->post('/function/wordcount', 'one two two');
is($res->{status}, 200, 'wordcount: 200');
is($res->{body}, "two 2\none 1\n", 'wordcount counts');
is($t->post('/function/wordcount.openfaas-fn', 'a')->{body}, "a 1\n",
    'wordcount by its full name');

my $text = 'word ' x 400_000;
is($t->post('/function/wordcount', $text)->{body}, "word 400000\n",
    'wordcount of two megabytes');

for my $name (qw(hello-python hello-node)) {
    $res = $t->get("/function/$name");
    is($res->{status}, 200, "$name: 200");
    like($res->{body}, qr/^Hello from (?:python|node)/i, "$name greets");
    is($t->post("/function/$name", 'some text')->{body}, 'some text',
        "$name echoes");
    like($res->{headers}{'x-duration-seconds'}, qr/^\d+\.\d{6}$/,
        "$name: its time is told");
}

$res = $t->request(PUT => '/function/env/a%2Fb?x=1&y=2',
    { 'x-my-header' => 'mine', 'content-type' => 'text/x' }, 'body');
my %env = map { split /=/, $_, 2 } split /\n/, $res->{body};
is($res->{status}, 200, 'env: 200');
is($env{Http_Method}, 'PUT', 'env: the method');
is($env{Http_Path}, '/a/b', 'env: the path, decoded');
is($env{Http_Query}, 'x=1&y=2', 'env: the query');
is($env{Http_X_My_Header}, 'mine', 'env: a header');
is($env{Http_Content_Type}, 'text/x', 'env: the type');
is($env{Http_Content_Length}, 4, 'env: the length');
is($env{Http_X_Call_Id}, $res->{headers}{'x-call-id'}, 'env: the call id');
is($env{OPENFAAS_NAME}, 'env', 'env: its own name');
ok(!exists $env{LISTEN_FDS}, 'env: nothing of the watchdog\'s descriptors');

$res = $t->get('/function/fail');
is($res->{status}, 500, 'fail: 500');
like($res->{body}, qr/exit status 1/, 'fail: says why');
wait_for(sub { $t->admin(GET => '/system/logs?name=fail')->{body} =~ /\S/ },
    10, 'a log line');
pass('fail: what it prints is in its log');

is($t->get('/function/nobody')->{status}, 404, 'an unknown function: 404');

# what the API knows

$res = $t->admin(GET => '/system/functions');
is(join(' ', sort map { $_->{name} } @{ json_of($res) }),
    'env fail hello-node hello-python wordcount', 'the list has all of them');
wait_for(sub {
    (json_of($t->admin(GET => '/system/function/wordcount'))
        // {})->{invocationCount} >= 3;
}, 10, 'the count');
pass('calls are counted: gateway, Redis, scaler, API');
is(json_of($t->admin(GET => '/system/info'))->{provider}{orchestration},
    'process', 'info');
is($t->get('/healthz')->{body}, 'OK', 'healthz');

# scale

sub gateway_says {
    my ($metric, $n) = @_;

    return $t->get('/metrics')->{body}
        =~ /^gateway_${metric}\{function_name="hello-node\S+\} $n$/m;
}

is($t->admin(POST => '/system/scale-function/hello-node',
    { serviceName => 'hello-node', replicas => 3 })->{status}, 202, 'scale');
$t->wait_available('hello-node', 3);
wait_for(sub { gateway_says('service_count', 3) }, 10,
    'three replicas at the gateway');
pass('the gateway knows three replicas');

is($t->admin(POST => '/system/scale-function/hello-node',
    { replicas => 0 })->{status}, 202, 'scale to zero');
wait_for(sub {
    return !json_of($t->admin(GET =>
        '/system/function/hello-node'))->{availableReplicas};
}, 10, 'end of the replicas');
wait_for(sub { gateway_says('service_ready_count', 0) }, 10,
    'the end of them at the gateway');
is($t->get('/function/hello-node')->{status}, 200, 'a call is answered');
is(json_of($t->admin(GET => '/system/function/hello-node'))->{replicas}, 1,
    'by a replica that it starts');

# update

$res = $t->admin(PUT => '/system/functions', { service => 'env',
    image => 'env', envProcess => './handler.sh',
    envVars => { greeting => 'changed' } });
is($res->{status}, 202, 'update');
wait_for(sub { $t->get('/function/env')->{body} =~ /^greeting=changed$/m }, 10,
    'the new environment');
pass('an update takes effect');
is($t->admin(PUT => '/system/functions', { service => 'none', image => 'env',
    envProcess => 'x' })->{status}, 404, 'update of nothing: 404');

# delete

is($t->admin(DELETE => '/system/functions',
    { functionName => 'env' })->{status}, 202, 'delete');
wait_for(sub { $t->get('/function/env')->{status} == 404 }, 10, '404');
pass('a deleted function is unknown');
is($t->admin(GET => '/system/function/env')->{status}, 404, 'to the API too');

# the scaler is away

$t->scaler->stop;
$res = $t->admin(GET => '/system/functions');
is($res->{status}, 502, 'without the scaler: 502');
is(json_of($res)->{hop}, 'scaler', 'which names it');

$t->finish;
