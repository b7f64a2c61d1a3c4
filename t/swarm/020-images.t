#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The Docker images, the socket proxy, and compose.yml.  If this fails, images
# cannot be built, run as root what need not, hide that a part is ill, let the
# scaler's proxy do what only Docker's own socket may, or one host cannot be
# served with Compose.
#
# Images are those of the normal build, under FAAS_SAN=1 as well: in an image a
# sanitizer would need libraries and tools that no user has.

use strict;
use warnings;

use Digest::SHA;
use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::HTTP qw(http json_of);
use Faas::Images;
use Faas::Proc qw(run_command slurp wait_for);
use Faas::Test;
use File::Path qw(make_path);
use JSON::PP;
use Test::More;

use constant {
    PORT    => 8080,
    HEALTHY => 60,          # seconds
};

my $t = Faas::Test->new(need => [qw(root watchdog dockerd debootstrap
    docker-compose strip)]);
alarm(1500);                # images may have to be built

my $docker = Faas::Docker->start($t);
my $images = Faas::Images->load($t, $docker);
my $dir = $t->dir;

$docker->at_node(1);

sub wait_healthy {
    my ($container) = @_;

    my $state;

    my $is_healthy = eval {
        wait_for(sub {
            $state = $docker->inspect('inspect', $container)->{State};
            return ($state->{Health}{Status} // '') eq 'healthy';
        }, HEALTHY, "health of $container");
    };

    ok($is_healthy, "$container is healthy") or diag(encode_json($state),
        $docker->docker('logs', '--tail', 20, $container));

    return;
}

# what the images are

my %user = (gateway => 'www-data', redis => 'redis', map { $_ => 'app' }
    qw(env fail wordcount hello-python hello-node));

my @targets = @{ +Faas::Images::TARGETS };
my ($base, @all) = @{ decode_json($docker->docker('inspect',
    Faas::Docker::BASE, map { $images->name($_) } @targets)) };
my %image = map { $targets[$_] => $all[$_] } 0 .. $#targets;

for my $target (@targets) {
    my $config = $image{$target}{Config};
    my $label = $config->{Labels};
    my $size = $image{$target}{Size};

    $size -= $base->{Size} if $target ne 'watchdog';
    note(sprintf '%s: %.1f MB%s', $target, $size / 1e6,
        $target eq 'watchdog' ? '' : ' above the base');

    is($label->{'org.opencontainers.image.licenses'}, 'BSD-2-Clause',
        "$target: licence");
    is($label->{'org.opencontainers.image.version'}, Faas::Images::VERSION,
        "$target: version");
    is($label->{'org.opencontainers.image.revision'}, $images->{revision},
        "$target: revision");
    is($config->{User}, $user{$target}, "$target: user $user{$target}")
        if $user{$target};
    ok($config->{Healthcheck}, "$target: health check")
        if $target ne 'watchdog';
}

is($image{gateway}{Config}{StopSignal}, 'SIGQUIT',
    'a gateway that is stopped ends what runs');

# the watchdog's image is its program; programs do not depend on the folder:
# they are those of make build, or, where that has other tools, of another build

sub hash_of {
    my ($file) = @_;

    return Digest::SHA->new(256)->addfile($file)->hexdigest;
}

# strip changes what is stripped already
sub stripped_hash {
    my ($file) = @_;

    my $res = run_command([qw(strip --strip-unneeded -R .note.gnu.build-id
        -o), "$dir/stripped", $file], log => "$dir/strip.log");
    die "strip: $res->{output}\n" if $res->{status};

    return hash_of("$dir/stripped");
}

my %program = (
    'faas-watchdog' => ['watchdog', '/faas-watchdog',
        '/usr/bin/faas-watchdog'],
    'faas-scaler'   => ['scaler', '/usr/sbin/faas-scaler'],
    'faas-queue'    => ['queue', '/usr/sbin/faas-queue'],
    'ngx_http_faas_module.so' => ['gateway',
        '/usr/lib/nginx/modules/ngx_http_faas_module.so'],
);

sub copy_from {
    my ($image, $path, $file) = @_;

    my $id = $docker->docker('create', $image, 'true');

    chomp $id;
    $docker->docker('cp', "$id:$path", $file);
    $docker->docker('rm', $id);

    return $file;
}

# Those that are not as $other says.
sub odd_programs {
    my ($other) = @_;

    return grep {
        my ($target, $path) = @{ $program{$_} };

        hash_of(copy_from($images->name($target), $path, "$dir/image.$_"))
            ne $other->($_);
    } sort keys %program;
}

my $made = $docker->docker('create', $images->name('watchdog'), 'true');
chomp $made;
$docker->docker('export', '-o', "$dir/watchdog.tar", $made);
$docker->docker('rm', $made);
my @members = grep { !m{^(?:\.dockerenv|(?:dev|etc|proc|sys)(?:/|$))} }
    split /\n/, $docker->run(30, qw(tar -tf), "$dir/watchdog.tar");
is("@members", 'faas-watchdog', 'the watchdog image is the program alone');

my @odd = odd_programs(sub {
    my $file = $t->root . "/build/$_[0]";

    return -e $file ? stripped_hash($file) : 'none';
});

if (@odd) {
    diag("other than in build/, where other tools may have made them: @odd");

    $images->load_packages;
    $docker->step('second build', sub {
        $docker->docker('build', '-q', '-f', $t->root . '/docker/Dockerfile',
            '--target', 'build', '-t', 'second', '--build-arg',
            'SRC=/somewhere/else', '--build-arg',
            "REVISION=$images->{revision}", $t->root);
    });

    @odd = odd_programs(sub {
        return hash_of(copy_from('second', '/out'
            . ($program{$_[0]}[2] // $program{$_[0]}[1]), "$dir/second.$_[0]"));
    });
}

is("@odd", '', 'built in another folder the programs are the same');

# Compose

make_path("$dir/secrets", { mode => 0700 });
$t->spew("$dir/secrets/basic-auth-user", "admin\n");
$t->spew("$dir/secrets/basic-auth-password", qq(a:b"c\\ \$d'#e\n));

my $auth = 'Basic ' . MIME::Base64::encode_base64(
    qq(admin:a:b"c\\ \$d'#e), '');
my $gateway = '127.0.0.1:' . PORT;

sub compose {
    my (@args) = @_;

    my $res = run_command(['docker-compose', '-f', $t->root
        . '/docker/compose.yml', '-p', 'one', @args], timeout => 120,
        log => "$dir/compose.log", env => {
            DOCKER_HOST => $docker->address, FAAS_SECRETS => "$dir/secrets",
            map { $_ => undef } qw(FAAS_IMAGES FAAS_VERSION FAAS_LISTEN
                FAAS_PORT FAAS_METRICS_PORT FAAS_FUNCTIONS FAAS_ISOLATION) });

    is($res->{status}, 0, "docker-compose $args[0]") or diag($res->{output});

    return;
}

# is told of once it is healthy
$docker->docker(qw(run -d --name sample), $images->name('wordcount'));
$docker->docker(qw(run -d --name proxy --read-only --tmpfs /tmp
    --cap-drop ALL --cap-add SETUID --cap-add SETGID -v),
    $docker->{nodes}[0]{socket} . ':/var/run/docker.sock',
    $images->name('socket-proxy'));

$docker->step('compose up', sub { compose(qw(up -d)) });

wait_for(sub { http('GET', $gateway, '/healthz')->{status} == 200 }, 60,
    'gateway');

my $spec = slurp($t->root . '/samples/env/function.json');
my $res = http('POST', $gateway, '/system/functions',
    { authorization => $auth, 'content-type' => 'application/json' }, $spec);

is($res->{status}, 202, 'compose: a sample is deployed') or diag($res->{body});

for my $wrong ('', 'Basic ' . MIME::Base64::encode_base64('admin:a', '')) {
    is(http('GET', $gateway, '/system/functions',
        { $wrong ? (authorization => $wrong) : () })->{status}, 401,
        'compose: not without the whole password');
}

$res = wait_for(sub {
    my $answer = http('GET', $gateway, '/function/env?a=b');

    return $answer->{status} == 404 ? undef : $answer;
}, 30, 'route');
like($res->{body}, qr/^Http_Query=a=b$/m, 'compose: and called');
like($docker->docker(qw(logs one_scaler_1)), qr/isolation=root/,
    'compose: functions are isolated');
like(http('GET', $gateway, '/ui/', { authorization => $auth })->{body},
    qr{<div id="app">}, 'compose: the portal is there');
is(http('GET', '127.0.0.1:8082', '/metrics')->{status}, 200,
    'compose: metrics');

my $later = http('POST', $gateway, '/async-function/env', {}, 'x');

is($later->{status}, 202, 'compose: a call for later');
wait_for(sub {
    return (json_of(http('GET', $gateway, '/async-function/'
        . $later->{headers}{'x-call-id'})) // {})->{state} eq 'done';
}, 30, 'the end of the call');
pass('compose: which is made');

# health checks

wait_healthy($_) for qw(one_gateway_1 one_scaler_1 one_queue_1 one_redis_1
    sample proxy);

$docker->docker(qw(exec one_redis_1 rm /run/faas/redis.sock));
my $health = run_command(['docker', '-H', $docker->address, 'exec',
    'one_redis_1', 'redis-health'], log => "$dir/health.log");
ok($health->{status}, 'the health check of Redis fails where it does not'
    . ' answer');
$docker->step('compose down', sub { compose(qw(down -v -t 20)) });

# the socket proxy

my $proxy = $docker->inspect('inspect', 'proxy')
    ->{NetworkSettings}{IPAddress} . ':2375';

my $processes = $docker->docker('top', 'proxy', '-o', 'uid,pid,args');
like($processes, qr/^\s*33\s.*nginx: worker/m, 'the socket proxy is nobody');
unlike($processes, qr/^\s*0\s/m, 'no process of it is root');

my $id = 'a' x 25;

# what the scaler asks, and what Docker answers
for my $allowed (
    [GET    => '/_ping', 200],
    [GET    => '/v1.41/services', 200],
    [GET    => '/v1.41/services?filters=%7B%22id%22%3A%5B%22x%22%5D%7D', 200],
    [GET    => '/v1.41/tasks?filters=%7B%7D', 200],
    [GET    => '/v1.41/networks?filters=%7B%7D', 200],
    [GET    => '/v1.41/configs?filters=%7B%7D', 200],
    [GET    => '/v1.41/secrets?filters=%7B%7D', 200],
    [GET    => "/v1.41/services/$id", 404],
    [GET    => "/v1.41/services/$id/logs?stdout=1", 404],
    [GET    => '/v1.41/configs/ngx-faas.namespace.dev', 404],
    [GET    => '/v1.41/containers/' . 'a' x 64 . '/stats?stream=false', 404],
    [POST   => '/v1.41/services/create', 400],
    [POST   => "/v1.41/services/$id/update?version=1", 400],
    [POST   => '/v1.41/configs/create', 400],
    [POST   => "/v1.41/configs/$id/update?version=1", 404],
    [POST   => '/v1.41/secrets/create', 400],
    [DELETE => "/v1.41/services/$id", 404],
    [DELETE => "/v1.41/configs/$id", 404],
    [DELETE => "/v1.41/secrets/$id", 404],
) {
    my ($method, $path, $status) = @$allowed;

    is(http($method, $proxy, $path, { 'content-type' => 'application/json' },
        $method eq 'POST' ? '{}' : undef)->{status}, $status,
        "the proxy allows $method $path");
}

for my $refused (
    [GET    => '/v1.41/info'],
    [GET    => '/v1.41/nodes'],
    [GET    => '/v1.41/swarm'],
    [GET    => '/v1.41/swarm/unlockkey'],
    [GET    => '/v1.41/containers/json'],
    [GET    => '/v1.41/containers/' . 'a' x 64 . '/json'],
    [GET    => '/v1.41/images/json'],
    [GET    => '/containers/json'],
    [GET    => "/v1.41/secrets/$id"],
    [GET    => "/v1.41/services/$id/logs/x?stdout=1"],
    [GET    => '/v1.41/services/../containers/json'],
    [GET    => '/v1.41/services/%2e%2e/containers/json'],
    [GET    => '/v1.41/services/..'],
    [GET    => '/v1.41/./services'],
    [GET    => '//v1.41/services'],
    [GET    => '/v1.41/services/'],
    [GET    => '/v1.41/tasks/../info?x'],
    [HEAD   => '/v1.41/services'],
    [PUT    => '/v1.41/services'],
    [POST   => '/v1.41/services'],
    [POST   => '/v1.41/containers/create'],
    [POST   => "/v1.41/containers/$id/exec"],
    [POST   => "/v1.41/containers/$id/attach"],
    [POST   => '/v1.41/build'],
    [POST   => '/v1.41/images/create?fromImage=x'],
    [POST   => '/v1.41/swarm/leave'],
    [POST   => '/v1.41/swarm/update?version=1'],
    [POST   => '/v1.41/networks/create'],
    [POST   => '/v1.41/volumes/create'],
    [POST   => "/v1.41/nodes/$id/update?version=1"],
    [POST   => "/v1.41/secrets/$id/update?version=1"],
    [DELETE => '/v1.41/networks/functions'],
    [DELETE => '/v1.41/services'],
) {
    my ($method, $path) = @$refused;

    is(http($method, $proxy, $path, {}, $method eq 'POST' ? '{}' : undef)
        ->{status}, 403, "the proxy refuses $method $path");
}

like($docker->docker(qw(logs proxy)), qr{forbidden by rule.*"POST /v1.41/build},
    'and says so in its log');

# events come while the connection stays
my $client = Faas::HTTP->new($proxy);
$client->send_request('GET', '/v1.41/events?filters='
    . '%7B%22type%22%3A%5B%22config%22%5D%7D', { host => 'docker' });
http('POST', $proxy, '/v1.41/configs/create', { 'content-type' =>
    'application/json' }, '{"Name":"seen","Data":"eA=="}');

my $seen = '';
wait_for(sub {
    $seen .= $client->read_some;
    return $seen =~ /"Action":"create"/;
}, 20, 'an event');
pass('an event comes through the proxy while it happens');
$client->close;

$docker->docker(qw(rm -f sample proxy));
$docker->stop;
$t->finish;
