#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The command make run PROVIDER=swarm: the stack of docker/stack.yml with the
# samples, on a Swarm of one node.  If this fails, that one command does not end
# with functions that can be called and scaled, leaves something behind when it
# is removed, or does not work with a proxy in the place of Docker's socket.
#
# Images are those of the normal build, under FAAS_SAN=1 as well.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::HTTP qw(http json_of);
use Faas::Images;
use Faas::Proc qw(run_command slurp wait_for);
use Faas::Test;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;

use constant {
    PORT      => 18_080,
    METRICS   => 18_082,
    STACK     => 'shop',
    FUNCTIONS => 'label=com.openfaas.function',
};

my $t = Faas::Test->new(need => [qw(root watchdog dockerd debootstrap curl
    openssl make)]);
alarm(1500);                # images may have to be built

my $docker = Faas::Docker->start($t);
my $images = Faas::Images->load($t, $docker);
my $gateway = '127.0.0.1:' . PORT;
my $dir = $t->dir;
my $auth;

$docker->at_node(1);

# Runs a command as a user would, with the engine of the test.
sub user_runs {
    my ($env, @cmd) = @_;

    return run_command(\@cmd, timeout => 240, dir => $t->root,
        log => "$dir/run.log", env => {
            DOCKER_HOST => $docker->address, FAAS_BUILD => "$dir/build",
            FAAS_STACK => STACK, FAAS_PORT => PORT,
            FAAS_METRICS_PORT => METRICS, FAAS_NO_BUILD => 1,
            FAAS_DOCKER_SOCKET => $docker->{nodes}[0]{socket},
            MAKEFLAGS => undef, MAKELEVEL => undef,
            map({ $_ => undef } qw(FAAS_IMAGES FAAS_VERSION FAAS_GATEWAYS
                FAAS_URL FAAS_SOCKET_PROXY)), %$env });
}

sub admin {
    my ($method, $path, $data) = @_;

    return http($method, $gateway, "/system/$path", { authorization => $auth,
        'content-type' => 'application/json' },
        $data ? encode_json($data) : undef);
}

sub replicas {
    my ($name) = @_;

    my $status = json_of(admin(GET => "function/$name")) // {};

    return $status->{availableReplicas} // -1;
}

# Users and command lines of a service's container, without those that Docker
# starts a health check with.
sub processes {
    my ($service) = @_;

    my $id = $docker->docker(qw(ps -q --filter), 'label='
        . 'com.docker.swarm.service.name=' . STACK . "_$service");

    chomp $id;

    return join '', grep { !/\brunc\b|\/proc\/self\/exe init/ }
        split /^/, $docker->docker('top', $id, '-o', 'uid,pid,args');
}

# with an engine that is in no swarm yet

$docker->docker(qw(swarm leave --force));

my $res = $docker->step('make run', sub {
    return user_runs({}, qw(make -s run PROVIDER=swarm));
});

is($res->{status}, 0, 'make run PROVIDER=swarm ends well')
    or diag($res->{output}, $docker->docker(qw(service ls)));
like($res->{output}, qr/this engine is in no swarm: making one/,
    'it makes a swarm');
like($res->{output}, qr{gateway listens on http://\Q$gateway\E$}m,
    'it says where the gateway is');

my $file = "$dir/build/run/admin-password";
my $password = slurp($file) // '';

chomp $password;
like($res->{output}, qr/password in \Q$file\E/, 'and where the password is');
is((stat $file)[2] & 0777, 0600, 'which is for its user only');
like($password, qr/^[0-9a-f]{32,}$/, 'and was made by chance');
unlike($res->{output}, qr/\Q$password\E/, 'it is not printed');
$auth = 'Basic ' . encode_base64("admin:$password", '');

# functions through the published port

is(http('POST', $gateway, '/function/wordcount', {}, 'one two two')->{body},
    "two 2\none 1\n", 'a sample is called through the gateway');
is(http('GET', $gateway, '/function/hello-node')->{body}, "Hello from node\n",
    'one of node');
is(http('GET', $gateway, '/function/hello-python')->{body},
    "Hello from python\n", 'one of python');
is(http('GET', '127.0.0.1:' . METRICS, '/metrics')->{status}, 200, 'metrics');

# the admin API

is(http('GET', $gateway, '/system/functions')->{status}, 401,
    'the admin API wants the password');
is(scalar @{ json_of(admin(GET => 'functions')) }, 5, 'five functions');
is(json_of(admin(GET => 'info'))->{provider}{orchestration}, 'swarm',
    'the provider is swarm');

$docker->step('scale', sub {
    is(admin(POST => 'scale-function/wordcount', { replicas => 2 })->{status},
        202, 'scale to two');
    wait_for(sub { replicas('wordcount') == 2 }, 60, 'two replicas');
    is(admin(POST => 'scale-function/wordcount', { replicas => 0 })->{status},
        202, 'scale to none');
    wait_for(sub { replicas('wordcount') == 0 }, 60, 'no replica');
});
is(http('POST', $gateway, '/function/wordcount', {}, 'cold')->{body},
    "cold 1\n", 'a call of none starts one');

# a function's own network has the scaler on it, which asks for the password

my ($env_id) = split /\n/, $docker->docker(qw(ps -q --filter),
    'label=com.docker.swarm.service.name=env');
like($docker->docker('exec', $env_id, 'bash', '-c',
    'exec 3<> /dev/tcp/scaler/8081 && printf "GET /system/functions HTTP/1.0'
    . '\r\n\r\n" >&3 && head -n 1 <&3'), qr/ 401 /,
    'the scaler answers no function without the password');
$res = run_command(['docker', '-H', $docker->address, 'exec', $env_id, 'bash',
    '-c', 'exec 3<> /dev/tcp/redis/6379'], log => "$dir/redis.log");
isnt($res->{status}, 0, 'Redis is not there for functions');

# who runs as whom, with what

unlike(processes($_), qr/^\s*0\s/m, "$_ is not root")
    for qw(gateway scaler redis);
unlike(join('', map { processes($_) } qw(gateway scaler redis)),
    qr/\Q$password\E|requirepass/, 'no secret is on a command line');

my ($pid) = $docker->inspect('inspect', split /\n/, $docker->docker(qw(ps -q
    --filter), 'label=com.docker.swarm.service.name=' . STACK . '_scaler'))
    ->{State}{Pid};
my $scaler = slurp("/proc/$docker->{nodes}[0]{pid}/root/proc/$pid/status");

like($scaler, qr/^CapEff:\t0+$/m, 'the scaler has no capability');
like($scaler, qr/^NoNewPrivs:\t1$/m, 'and gains none');
like($scaler, qr/^Groups:\t\d+ ?$/m, 'and is in one further group');

# once more, with a proxy in the place of the socket

$res = $docker->step('again, with the proxy', sub {
    return user_runs({ FAAS_SOCKET_PROXY => 1 }, 'scripts/run-swarm');
});
is($res->{status}, 0, 'it can be run again, with the proxy')
    or diag($res->{output});
is(slurp($file), "$password\n", 'the password stays');

my $spec = $docker->inspect('service', 'inspect', STACK . '_scaler')
    ->{Spec}{TaskTemplate}{ContainerSpec};
is_deeply([map { $_->{Type} } @{ $spec->{Mounts} }], [qw(tmpfs tmpfs)],
    'the scaler has no socket');
is(admin(POST => 'scale-function/env', { replicas => 2 })->{status}, 202,
    'the scaler scales by the proxy');
wait_for(sub { replicas('env') == 2 }, 60, 'two replicas');
like(http('GET', $gateway, '/function/env')->{body}, qr/^OPENFAAS_NAME=env$/m,
    'and functions are called');
is(admin(POST => 'secrets', { name => 'key', value => 'x' })->{status}, 202,
    'a secret by the proxy');
is(admin(DELETE => 'secrets', { name => 'key' })->{status}, 202,
    'and its end');
like(admin(GET => 'logs?name=env&tail=5')->{body}, qr/"name":"env"/,
    'logs by the proxy');
is(admin(DELETE => 'functions', { functionName => 'env' })->{status}, 202,
    'the end of a function by the proxy');
wait_for(sub { $docker->docker(qw(service ls -q --filter name=env)) eq '' },
    30, 'end of env');

# the end

$res = $docker->step('removal', sub {
    return user_runs({}, qw(scripts/run-swarm --remove));
});
is($res->{status}, 0, 'scripts/run-swarm --remove') or diag($res->{output});
is($docker->docker(qw(service ls -q)), '', 'no service is left');
is($docker->docker(qw(ps -q)), '', 'no container is left');
like($docker->docker(qw(volume ls -q)), qr/^shop_redis-data$/m,
    'what Redis has kept stays');

$docker->stop;
$t->finish;
