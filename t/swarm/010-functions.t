#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Functions on a Docker Swarm of two nodes.  If this fails, a function of the
# Swarm cannot be deployed, called, scaled or read as one of processes can, or
# calls fail while it is scaled, updated, or loses a container or a node.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::HTTP;
use Faas::Swarm qw(figure median seconds_of);
use Faas::Test;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use constant {
    SAMPLES  => 5,          # of a time that is measured, without sanitizers
    SERVICES => 500,        # of the idle scaler
    STARTS   => 2,          # at a time, of the scaler that is started anew
    IDLE     => 15,         # seconds that it is looked at
};

my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog dockerd debootstrap)]);
my $docker = Faas::Docker->start($t, nodes => 2);
my $samples = $t->is_sanitized ? 1 : SAMPLES;

$docker->step('image', sub {
    $docker->function_image('echo:1', env => { fprocess => 'cat',
        mode => 'classic' });
    $docker->function_image('bare:1', env => { fprocess => 'cat',
        mode => 'classic' }, no_health => 1);
});
$docker->inside;

my @scaler = ('--provider', 'swarm', '--docker', $docker->address,
    '--log-level', 'info', '--scale-by-load', 'false');

$t->start_stack(scaler => { args => \@scaler },
    nginx => { vars => { PARK => '30s' } });

my $swarm = Faas::Swarm->new($t, $docker);

sub system_call {
    my ($status, $method, $path, $data, $name) = @_;

    my $res = $t->admin($method, "/system/$path", $data);

    is($res->{status}, $status, $name // "$method $path")
        or diag($res->{body});

    return $res;
}

# deploy, call

system_call(202, POST => 'functions', { service => 'echo', image => 'echo:1',
    labels => { 'com.openfaas.scale.min' => '2', color => 'red' },
    annotations => { note => 'x' },
    limits => { memory => '64Mi', cpu => '500m' } }, 'deploy');
system_call(400, POST => 'functions', { service => 'echo',
    image => 'echo:1' }, 'once more: 400');

wait_for(sub { $t->redis('HEXISTS', 'faas:routes', 'echo.openfaas-fn') }, 5,
    'route');
my $res = wait_for(sub {
    my $answer = $t->post('/function/echo', 'at once');

    return $answer->{status} == 404 ? undef : $answer;
}, 5, 'route in nginx');
is($res->{body}, 'at once', 'a call waits for the first replica');
$t->wait_available('echo', 2);

my $status = $swarm->function('echo');
is($status->{replicas}, 2, 'replicas');
is($status->{labels}{color}, 'red', 'labels');
is($status->{annotations}{note}, 'x', 'annotations');
is($status->{limits}{cpu}, '500m', 'limits');
ok(!exists $status->{labels}{'com.ngx-faas.limits.cpu'},
    'labels of ours are not shown');

my $spec = $docker->inspect(qw(service inspect echo))->{Spec};
is($spec->{EndpointSpec}{Mode}, 'dnsrr', 'endpoint mode dnsrr');
is($spec->{UpdateConfig}{Order}, 'start-first', 'update order start-first');
is($spec->{TaskTemplate}{Resources}{Limits}{MemoryBytes}, 64 << 20,
    'memory limit');
ok($swarm->containers('echo', 1) == 1
    && $swarm->containers('echo', 2) == 1,
    'one replica on each node');

my %replica;
$replica{ $t->post('/function/echo', 'x')->{body} }++ for 1 .. 20;
is($replica{x}, 20, 'replicas of both nodes answer');

is(system_call(200, GET => 'info')->{status}, 200, 'info');
is(json_of($t->admin(GET => '/system/info'))->{provider}{orchestration},
    'swarm', 'orchestration');

# scale

$docker->step("scale $_", sub { $swarm->scale('echo', $_) }) for 5, 1;
$swarm->scale('echo', 0);
is($t->post('/function/echo', 'cold')->{body}, 'cold',
    'a call of none starts one');
is($swarm->function('echo')->{replicas}, 2, 'as many as are the least');
system_call(400, POST => 'scale-function/echo', { replicas => 1000 },
    'too many');
system_call(404, POST => 'scale-function/nobody', { replicas => 1 },
    'nobody');

# what somebody does with docker itself

$docker->docker(qw(service scale -d echo=3));
wait_for(sub { $swarm->available('echo') == 3 }, 60,
    'a third replica');
pass('docker service scale is seen');

# it is there before the next, which the scaler sees

$docker->docker(qw(service create -d --name other --network functions
    echo:1));
$docker->docker(qw(service create -d --name legacy --network functions
    --label com.openfaas.function=legacy --label function=true
    --container-label function=true --endpoint-mode vip -e fprocess=rev
    echo:1));
$t->wait_available('legacy', 1);
is($t->post('/function/legacy', 'abc')->{body}, "cba",
    "a service of OpenFaaS' own, in VIP mode, is called");
is($t->get('/function/other')->{status}, 404, 'others are no functions');
$docker->docker(qw(service rm other));
$docker->docker(qw(service rm legacy));
wait_for(sub { $t->get('/function/legacy')->{status} == 404 }, 20, '404');
pass('and gone with docker service rm');

# an image that is missing

system_call(202, POST => 'functions', { service => 'broken',
    image => 'no-such:1' }, 'an image that is missing: 202');
wait_for(sub {
    return ($swarm->function('broken')->{annotations}{'com.ngx-faas.last-error'}
        // '') =~ /No such image/;
}, 30, 'reason');
pass('the function says why it has no replica');
system_call(202, DELETE => 'functions', { functionName => 'broken' });

$docker->step('rollback', sub {
    system_call(202, PUT => 'functions', { service => 'echo',
        image => 'no-such:2' }, 'an update to one that is missing: 202');
    wait_for(sub {
        my $now = $docker->inspect(qw(service inspect echo));

        return ($now->{UpdateStatus}{State} // '') eq 'rollback_completed'
            && $now->{Spec}{TaskTemplate}{ContainerSpec}{Image} eq 'echo:1'
            && ($swarm->function('echo')->{annotations}
                {'com.ngx-faas.last-error'} // '') =~ /rolled back/;
    }, 60, 'rollback');
    is($swarm->function('echo')->{image}, 'echo:1',
        'it is rolled back, and the function says so');
    is($t->post('/function/echo', 'x')->{body}, 'x', 'it is called as before');
});

# logs

$t->post('/function/echo', 'to be logged') for 1 .. 4;
wait_for(sub {
    my @lines = split /\n/, $t->admin(GET =>
        '/system/logs?name=echo&tail=500')->{body};
    my %seen = map { decode_json($_)->{instance} => 1 } @lines;
    my @stamps = map { decode_json($_)->{timestamp} } @lines;

    return keys %seen >= 3 && "@stamps" eq join ' ', sort @stamps;
}, 20, 'lines of three replicas, in order');
pass('logs of all replicas, in order of time');
is(scalar(split /\n/, $t->admin(GET => '/system/logs?name=echo&tail=3')
    ->{body}), 3, 'the last three lines');
system_call(404, GET => 'logs?name=nobody');

# secrets

system_call(202, POST => 'secrets', { name => 'key', value => 'one' });
system_call(409, POST => 'secrets', { name => 'key', value => 'one' });
system_call(202, POST => 'functions', { service => 'reader',
    image => 'echo:1', envProcess => 'cat /var/openfaas/secrets/key',
    secrets => ['key'] }, 'a function with a secret');
$t->wait_available('reader');
is($t->get('/function/reader')->{body}, 'one', 'reads it');
system_call(202, PUT => 'secrets', { name => 'key', value => 'two' });
wait_for(sub { $t->get('/function/reader')->{body} eq 'two' }, 60, 'two');
pass('and its new value');
is_deeply(json_of(system_call(200, GET => 'secrets')),
    [{ name => 'key', namespace => 'openfaas-fn' }], 'one secret');
system_call(409, DELETE => 'secrets', { name => 'key' }, 'it is in use');
system_call(400, POST => 'functions', { service => 'none',
    image => 'echo:1', secrets => ['no-such'] }, 'a secret that is missing');
system_call(202, DELETE => 'functions', { functionName => 'reader' });
system_call(202, DELETE => 'secrets', { name => 'key' });
system_call(404, DELETE => 'secrets', { name => 'key' });
is($docker->docker(qw(secret ls -q)), '', 'Docker has none either');

# namespaces

system_call(201, POST => 'namespace/dev', { name => 'dev',
    labels => { openfaas => '1' } });
system_call(202, POST => 'functions', { service => 'echo',
    namespace => 'dev', image => 'echo:1', envProcess => 'rev' });
$t->wait_available('echo.dev');
is($t->post('/function/echo.dev', 'abc')->{body}, 'cba',
    'a function of another namespace');
is(json_of(system_call(200, GET => 'functions?namespace=dev'))->[0]{namespace},
    'dev', 'which is listed');
system_call(409, DELETE => 'namespace/dev', undef, 'it is not empty');
system_call(202, DELETE => 'functions', { functionName => 'echo',
    namespace => 'dev' });
system_call(202, DELETE => 'namespace/dev');
system_call(404, GET => 'namespace/dev');

# under load

$swarm->scale('echo', 3);

$swarm->under_load(swarm_update_failed => sub {
    my $before = join ' ', $swarm->containers('echo');

    system_call(202, PUT => 'functions', { service => 'echo',
        image => 'echo:1', envVars => { v => '2' },
        labels => { 'com.openfaas.scale.min' => '2' } }, 'update');

    wait_for(sub {
        my %old = map { $_ => 1 } split / /, $before;
        my @now = $swarm->containers('echo');

        return @now == 3 && !grep { $old{$_} } @now;
    }, 120, 'new containers');
});

$swarm->under_load(swarm_scaledown_failed => sub {
    $swarm->scale('echo', 6);
    $swarm->scale('echo', 2);
    wait_for(sub { ($swarm->containers('echo')) == 2 }, 60,
        'end of the others');
});

$swarm->under_load(swarm_taskkill_failed => sub {
    for my $n (1, 2) {
        my ($id) = $swarm->containers('echo', $n);

        $docker->docker_at($n, 'kill', $id);
        wait_for(sub {
            my ($now) = $swarm->containers('echo', $n);

            return defined $now && $now ne $id
                && $swarm->function('echo')->{availableReplicas} == 2;
        }, 60, 'another container');
    }
});

# How soon a replica gets calls.  Without a health check Docker says that a
# task runs when its process has been started; with one it says so only after
# the first check, long after it gets calls.

# from then until a call goes through nginx
sub running_to_routed {
    my ($routed, $new);

    $swarm->scale('bare', 0);
    $swarm->wait_gone('bare');
    $t->admin(POST => '/system/scale-function/bare', { replicas => 1 });

    wait_for(sub {
        return if $t->get('/function/bare')->{status} != 200;
        return $routed = time;
    }, 30, 'answer');

    wait_for(sub {
        ($new) = grep { $_->{Status}{State} eq 'running' }
            $swarm->tasks('bare');
        return $new;
    }, 30, 'running task');

    return ($routed - seconds_of($new->{Status}{Timestamp})) * 1000;
}

$docker->step('routable', sub {
    system_call(202, POST => 'functions', { service => 'bare',
        image => 'bare:1', envVars => { healthcheck_interval => '1ms' } });
    $t->wait_available('bare');

    my @ms = map { running_to_routed() } 1 .. $samples;
    my $p50 = median(@ms);

    figure(swarm_routable_p50_ms => sprintf '%.0f', $p50);
    note('running until routable, ms: ' . join ' ', map { sprintf '%.0f', $_ }
        @ms);
    system_call(202, DELETE => 'functions', { functionName => 'bare' });
});

# A cold start beside what Docker itself takes, both at the same node, which has
# the network already.

# from "docker service scale" until the process was started; it accepts then
sub docker_start_ms {
    my ($n) = @_;

    $docker->docker(qw(service scale -d plain=0));
    $swarm->wait_gone('plain');

    my $begin = time;

    $docker->docker(qw(service scale -d plain=1));

    my $id = wait_for(sub { ($swarm->containers('plain', $n))[0] }, 60,
        'container');
    my ($task) = $swarm->tasks('plain');
    my ($ip) = $task->{NetworksAttachments}[0]{Addresses}[0] =~ m{^([\d.]+)/};

    # not asked before: who asks too early is answered a second later

    wait_for(sub {
        return IO::Socket::INET->new(PeerAddr => "$ip:8080", Timeout => 0.1);
    }, 30, 'accepting task');

    my $started = decode_json($docker->docker_at($n, 'inspect', $id))
        ->[0]{State}{StartedAt};

    return (seconds_of($started) - $begin) * 1000;
}

sub cold_call_ms {
    $swarm->scale('echo', 0);
    $swarm->wait_gone('echo');

    my $begin = time;
    my $answer = $t->post('/function/echo', 'x');

    is($answer->{body}, 'x', 'a cold call');

    return (time - $begin) * 1000;
}

sub cold_overhead_ms {
    my ($n, $role, $samples) = @_;

    $docker->docker(qw(service create -d --name plain --network functions
        --endpoint-mode dnsrr --replicas 0 -e fprocess=cat
        -e healthcheck_interval=1ms --constraint), "node.role==$role",
        'echo:1');
    $t->admin(PUT => '/system/functions', { service => 'echo',
        image => 'echo:1', envVars => { healthcheck_interval => '1ms' },
        constraints => ["node.role==$role"] });

    my (@ours, @docker);

    for (1 .. $samples) {
        push @docker, docker_start_ms($n);
        push @ours, cold_call_ms();
    }

    note("$role, $$_[0], ms: ", join ' ', map { sprintf '%.0f', $_ }
        @{ $$_[1] }) for ['cold calls', \@ours], ["Docker's part", \@docker];
    $docker->docker(qw(service rm plain));

    return sprintf '%.0f', median(@ours) - median(@docker);
}

$docker->step('cold start', sub {
    figure(swarm_coldstart_overhead_ms => cold_overhead_ms(1, 'manager',
        $samples));
});

$docker->step('cold start elsewhere', sub {
    $docker->inside(2);
    $docker->inside;
    figure(swarm_coldstart_remote_overhead_ms =>
        cold_overhead_ms(2, 'worker',
        $samples > 1 ? 3 : 1));
    $t->admin(PUT => '/system/functions', { service => 'echo',
        image => 'echo:1' });
});

# a scaler that is started again, speaks TLS to Docker, and lets few replicas
# start at a time

my $tls_port = $t->free_port;
my $certs = $t->dir . '/certs';

mkdir $certs;
make_certificate(ca => '-x509', '-days', 2);
make_certificate($_ => '-x509', '-days', 2, '-CA', "$certs/ca.pem", '-CAkey',
    "$certs/ca-key.pem") for qw(server client);
rename "$certs/client.pem", "$certs/cert.pem";
rename "$certs/client-key.pem", "$certs/key.pem";

sub make_certificate {
    my ($name, @args) = @_;

    my $made = $t->run(qw(openssl req -newkey ec -pkeyopt
        ec_paramgen_curve:prime256v1 -nodes -subj), "/CN=$name", '-addext',
        'subjectAltName=IP:127.0.0.1', '-keyout', "$certs/$name-key.pem",
        '-out', "$certs/$name.pem", @args);

    die "openssl: $made->{output}\n" if $made->{status};

    return;
}

my ($socket) = $docker->address =~ m{^unix://(.*)};

$t->start_nginx(name => 'tls', port => $tls_port, conf => <<"EOT");
user root;
pid run/nginx.pid;
error_log logs/error.log info;

events {
}

http {
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
    access_log off;

    server {
        listen 127.0.0.1:$tls_port ssl;
        ssl_certificate $certs/server.pem;
        ssl_certificate_key $certs/server-key.pem;
        ssl_client_certificate $certs/ca.pem;
        ssl_verify_client on;

        location / {
            proxy_pass http://unix:$socket;
            proxy_buffering off;
        }
    }
}
EOT

my @tls = ('--docker', "tcp://127.0.0.1:$tls_port", '--docker-cert-path',
    $certs);

$swarm->under_load(swarm_scaler_failed => sub {
    $t->scaler->stop;
    $t->start_scaler(args => [@scaler, @tls, '--max-starts', STARTS]);
    wait_for(sub { $swarm->available('echo') > 0 }, 30,
        'replicas of echo');
});

$docker->step('bounded starts', sub {
    my $most = 0;

    system_call(202, POST => 'functions', { service => 'six',
        image => 'echo:1', labels => { 'com.openfaas.scale.min' => '6' } });
    is($swarm->function('six')->{replicas}, 6, 'six replicas are wanted');

    wait_for(sub {
        my $asked = $docker->inspect(qw(service inspect six))
            ->{Spec}{Mode}{Replicated}{Replicas};
        my $available = $swarm->available('six');

        $most = $asked - $available if $asked - $available > $most;

        return $available == 6;
    }, 120, 'six replicas');

    cmp_ok($most, '<=', STARTS, 'few of them started at a time');
    cmp_ok($most, '>', 0, 'some did');
    ok(!exists $docker->inspect(qw(service inspect six))->{Spec}{Labels}
        {'com.ngx-faas.pending'}, 'in the end none is pending');
    system_call(202, DELETE => 'functions', { functionName => 'six' });
    $t->scaler->stop;
    $t->start_scaler(args => \@scaler);
    wait_for(sub { $swarm->available('echo') > 0 }, 30, 'replicas of echo');
});

# many services

sub cpu_ms {
    my $stat = slurp('/proc/' . $t->scaler->pid . '/stat');
    my @field = split ' ', $stat =~ s/^.*\) //sr;

    return ($field[11] + $field[12]) * 10;
}

$docker->step(SERVICES . ' services', sub {
    my @failed = grep { $_->{status} != 202 } map {
        $t->admin(POST => '/system/functions', { service => "many-$_",
            image => 'echo:1', labels => {
            'com.openfaas.scale.min' => $_ <= 10 ? '1' : '0' } })
    } 1 .. SERVICES;

    is(scalar @failed, 0, SERVICES . ' functions are deployed');
    wait_for(sub {
        return 10 == grep { $swarm->available("many-$_")
            == 1 } 1 .. 10;
    }, 120, 'replicas of ten');

    # what the deployments made it do is over: a second with next to nothing

    wait_for(sub {
        my $cpu = cpu_ms();

        sleep 1;
        return cpu_ms() - $cpu <= 20;
    }, 60, 'a scaler at rest');

    my ($cpu, $begin) = (cpu_ms(), time);

    sleep IDLE;
    figure(swarm_idle_cpu_pct => sprintf '%.2f',
        (cpu_ms() - $cpu) / (time - $begin) / 10);
});

$docker->step('their end', sub {
    my @failed = grep { $_->{status} != 202 } map {
        $t->admin(DELETE => '/system/functions', { functionName => "many-$_" })
    } 1 .. SERVICES;

    is(scalar @failed, 0, 'and deleted');
});

# the loss of a node

$t->admin(PUT => '/system/functions', { service => 'echo', image => 'echo:1',
    labels => { 'com.openfaas.scale.min' => '4' } });
$swarm->scale('echo', 4);

my ($lost_s, $at_2);

$swarm->under_load(swarm_nodekill_failed => sub {
    my %there = map { $_->{ID} => 1 } grep {
        $_->{NodeID} ne manager_id() } $swarm->tasks('echo');

    ok(keys %there > 0, 'the lost node has replicas');

    my $begin = time;

    $docker->kill_node(2);

    wait_for(sub {
        my $route = decode_json($t->redis('HGET', 'faas:routes',
            'echo.openfaas-fn'));

        return !grep { $there{ $_->{id} } } @{ $route->{endpoints} };
    }, 30, 'route without the lost node');

    $lost_s = time - $begin;
    figure(swarm_nodekill_s => sprintf '%.2f', $lost_s);
});

sub manager_id {
    my $id = $docker->docker('info', '--format', '{{.Swarm.NodeID}}');

    chomp $id;

    return $id;
}

ok($lost_s <= 10, 'a lost node gets no calls');

$t->scaler->stop;
$docker->stop;
$t->finish;
