#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The stack of docker/stack.yml on two nodes, behind the load balancer of
# conf/examples.  If this fails, calls fail while the gateways or the scaler are
# replaced by a new version, or a part, a container, Docker itself or a node is
# lost.
#
# Images are those of the normal build.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::HTTP;
use Faas::Images;
use Faas::Proc qw(run_command);
use Faas::Swarm;
use Faas::Test;
use Test::More;
use Time::HiRes qw(time);

use constant {
    STACK  => 'faas',
    NEW    => '0.1.1',          # the version that is rolled out
    SYSCTL => '/proc/sys/net/ipv4',
};

my $t = Faas::Test->new(need => [qw(root nginx watchdog dockerd debootstrap)]);
alarm(1500);                # images may have to be built

my $docker = Faas::Docker->start($t, nodes => 2);
my $images = Faas::Images->load($t, $docker);
my $swarm = Faas::Swarm->new($t, $docker);
my @ips = map { $_->{ip} } @{ $docker->{nodes} };

$docker->step('images', sub {
    $docker->function_image('echo:1', env => { fprocess => 'cat',
        mode => 'classic' });
    $docker->build_image("ngx-faas/$_:" . NEW, 'FROM ' . $images->name($_)
        . "\nLABEL new=1\n") for qw(gateway scaler);
});

# secrets, and the stack

my %secret = ('basic-auth-user' => 'admin',
    'basic-auth-password' => $t->PASSWORD, 'redis-password' => 'of redis');

for my $name (sort keys %secret) {
    $docker->docker(qw(secret create), $name,
        $t->spew($t->dir . "/$name", $secret{$name}));
}

# the number of replicas is the test's own, whatever its load

my $own = $t->spew($t->dir . '/own.yml', <<'EOT');
version: "3.8"

services:
  scaler:
    environment:
      FAAS_SCALER_SCALE_BY_LOAD: "false"
EOT

$docker->step('deploy', sub {
    my $res = run_command(['docker', '-H', $docker->address, 'stack', 'deploy',
        '--resolve-image', 'never', '-c', $t->root . '/docker/stack.yml',
        '-c', $own, STACK], log => $t->dir . '/deploy.log', timeout => 60,
        env => { FAAS_DOCKER_SOCKET => $docker->{nodes}[0]{socket} });

    is($res->{status}, 0, 'docker stack deploy') or diag($res->{output});
});

# the load balancer, outside of Docker, and what its kernel is to do

$docker->at_node(1);

for (['tcp_retries2', 5], ['tcp_keepalive_time', 5],
    ['tcp_keepalive_intvl', 1], ['tcp_keepalive_probes', 3])
{
    my ($name, $value) = @$_;

    $docker->in_node(1, "echo $value > @{[ SYSCTL ]}/$name");
}

my $port = $t->free_port;
my $example = slurp($t->root . '/conf/examples/load-balancer.conf');

$example =~ s/listen 8080;/listen 127.0.0.1:$port;/ or die "no listen\n";
$example =~ s/192\.0\.2\.$_:/$ips[$_ - 1]:/ or die "no server $_\n" for 1, 2;

$t->start_nginx(port => $port, conf => <<"EOT");
worker_processes 2;
pid run/nginx.pid;
error_log logs/error.log info;

events {
    worker_connections 1024;
}

http {
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
    access_log off;

$example
}
EOT

sub is_healthy {
    my ($ip) = @_;

    return http(GET => "$ip:8080", '/healthz', {}, undef, timeout => 5)
        ->{status} == 200;
}

$docker->step('both gateways', sub {
    wait_for(sub { is_healthy($_) }, 120, "gateway at $_") for @ips;
});

# a service's tasks are as many, and all those that are to run do

sub converged {
    my ($service, $n) = @_;

    my @tasks = $swarm->tasks(STACK . "_$service");

    return @tasks == $n && !grep { $_->{Status}{State} ne 'running' } @tasks;
}

sub wait_converged {
    my ($service, $n) = @_;

    wait_for(sub { converged($service, $n) }, 180, "$n of $service");

    return;
}

# the admin API by the load balancer, in either gateway; Docker gives out the
# scaler's address once it is healthy

wait_converged(scaler => 1);

my $res = $t->admin(POST => '/system/functions', { service => 'echo',
    image => 'echo:1', labels => { 'com.openfaas.scale.min' => '4' } });

is($res->{status}, 202, 'deploy') or diag($res->{body},
    map { $docker->docker(qw(service logs --tail 20), STACK . "_$_") }
    qw(gateway scaler));
wait_for(sub { $swarm->available('echo') == 4 }, 60, 'four replicas');
is($t->post('/function/echo', $_)->{body}, $_, "call $_") for 1 .. 4;

for my $replicas (1, 5, 0, 2) {
    $docker->step("scale $replicas", sub { $swarm->scale('echo', $replicas) });
}

$swarm->scale('echo', 4);

# a new version of the gateways, and of the scaler

sub roll {
    my ($service) = @_;

    my $name = STACK . "_$service";

    $docker->docker(qw(service update -d --no-resolve-image --image),
        "ngx-faas/$service:" . NEW, $name);

    wait_for(sub {
        my $state = $docker->inspect('service', 'inspect', $name)
            ->{UpdateStatus}{State} // '';

        die "the update of $name is $state\n" if $state =~ /paused|rollback/;

        return $state eq 'completed';
    }, 180, "update of $name");

    return;
}

$swarm->under_load(swarm_upgrade_failed => sub {
    roll('gateway');
    roll('scaler');
    wait_for(sub { $swarm->available('echo') == 4 }, 60, 'answering scaler');
});
is(scalar(grep { /:\Q@{[ NEW ]}\E/ } map { $_->{Spec}{ContainerSpec}{Image} }
    map { $swarm->tasks(STACK . "_$_") } qw(gateway scaler)), 3,
    'all of them are new');

# a gateway is taken away, comes back, and is killed

$swarm->under_load(swarm_gateway_failed => sub {
    $docker->docker(qw(service scale -d), STACK . '_gateway=1');
    wait_for(sub { $swarm->containers(STACK . '_gateway') == 1 }, 120,
        'end of a gateway');
    $docker->docker(qw(service scale -d), STACK . '_gateway=2');
    wait_converged(gateway => 2);

    my ($id) = $swarm->containers(STACK . '_gateway', 2);

    $docker->docker_at(2, 'kill', $id);
    wait_for(sub { !grep { $_ eq $id } $swarm->containers(STACK . '_gateway')
        }, 30, 'end of the killed one');
    wait_converged(gateway => 2);
});

# Redis is killed

$swarm->under_load(swarm_redis_failed => sub {
    my ($id) = $swarm->containers(STACK . '_redis');

    $docker->docker('kill', $id);
    wait_for(sub { !grep { $_ eq $id } $swarm->containers(STACK . '_redis') },
        30, 'end of Redis');
    wait_converged(redis => 1);
    $swarm->scale('echo', 5);
    $swarm->scale('echo', 4);
});

# Docker of the manager is restarted: with it end all containers there, and
# the Swarm's only manager is away

$swarm->under_load(swarm_manager_failed => sub {
    $docker->restart_dockerd(1);
    wait_for(sub { eval { converged(gateway => 2) && converged(scaler => 1)
        && converged(redis => 1) } }, 180, 'the stack');
    wait_for(sub { is_healthy($_) }, 60, "gateway at $_") for @ips;
    wait_for(sub { $swarm->available('echo') == 4 }, 120, 'replicas');
});

is($t->admin(POST => '/system/scale-function/echo', { replicas => 6 })
    ->{status}, 202, 'and functions can be changed');
wait_for(sub { $swarm->available('echo') == 6 }, 120, 'six replicas');

# the worker is lost, with its gateway

$swarm->under_load(swarm_stack_nodekill_failed => sub {
    chomp(my $manager = $docker->docker(qw(info --format
        {{.Swarm.NodeID}})));
    my %lost = map { $_->{ID} => 1 } grep { $_->{NodeID} ne $manager }
        $swarm->tasks('echo');

    ok(keys %lost > 0, 'the node has replicas');
    $docker->kill_node(2);

    # the scaler may be asked by the gateway that is lost: its answer takes
    # longer than others need to take their place

    wait_for(sub { !grep { $lost{ $_->{ID} } } $swarm->tasks('echo') }, 60,
        'the loss');
    wait_for(sub { $swarm->available('echo') == 6 }, 180,
        'replicas on the other node');
});

is($t->admin(DELETE => '/system/functions', { functionName => 'echo' })
    ->{status}, 202, 'delete');
wait_for(sub { $t->get('/function/echo')->{status} == 404 }, 30,
    'end of the route');

$t->nginx->stop;
$docker->stop;
$t->finish;
