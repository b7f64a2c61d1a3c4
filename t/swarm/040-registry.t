#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Images of a registry that wants a password.  If this fails, functions of
# private registries do not run on Docker Swarm, do not say why, or somebody's
# password can be read.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::HTTP;
use Faas::Proc qw(spawn);
use Faas::Test;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Test::More;

use constant {
    WAIT     => 60,                 # seconds
    REGISTRY => '127.0.0.1:5000',   # where Docker wants no TLS
    IMAGE    => '127.0.0.1:5000/team/echo',
    USER     => 'reader',
    PASSWORD => 'a-password-that-nobody-may-see',
};

my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog dockerd debootstrap docker-registry)]);
my $dir = $t->dir;
my $docker = Faas::Docker->start($t);
my @secrets = (PASSWORD, encode_base64(USER . ':' . PASSWORD, ''),
    'another-password');

# the registry is where the node is

mkdir "$dir/registry";
$t->spew("$dir/registry.htpasswd", USER . ':' . crypt(PASSWORD,
    '$2b$05$abcdefghijklmnopqrstuu') . "\n");
$t->spew("$dir/registry.yml", <<"END");
version: 0.1
storage:
  filesystem:
    rootdirectory: $dir/registry
  delete:
    enabled: true
http:
  addr: ${\REGISTRY}
auth:
  htpasswd:
    realm: test
    path: $dir/registry.htpasswd
END

my $registry = spawn(name => 'docker-registry', log => "$dir/registry.out",
    cmd => [Faas::Docker::enter($docker->node(1)), 'docker-registry', 'serve',
        "$dir/registry.yml"]);

wait_for(sub { eval { $docker->docker('--config', "$dir/config", 'login',
    '-u', USER, '-p', PASSWORD, REGISTRY) } }, WAIT, 'registry');
ok(!eval { $docker->docker('--config', "$dir/none", 'pull', IMAGE . ':1') },
    'the registry wants a password');

$docker->step('images', sub {
    $docker->function_image(IMAGE . ':1', env => { fprocess => 'cat',
        mode => 'classic' });
    $docker->function_image(IMAGE . ':2', env => { fprocess => 'rev',
        mode => 'classic' });

    for my $tag (1, 2) {
        $docker->docker('--config', "$dir/config", 'push', '-q',
            IMAGE . ":$tag");
        no_image($tag);
    }
});

# nobody has it any more: it has to be pulled
sub no_image {
    my ($tag) = @_;

    wait_for(sub {
        my @ids = split /\n/, $docker->docker('ps', '-aq', '--filter',
            'ancestor=' . IMAGE . ":$tag", '--filter', 'status=exited');

        eval { $docker->docker('rm', @ids) } if @ids;

        return eval { $docker->docker('rmi', '-f', IMAGE . ":$tag"); 1 };
    }, WAIT, "end of image $tag");

    return;
}

$docker->inside;
$t->start_stack(scaler => { args => ['--provider', 'swarm', '--docker',
    $docker->address, '--log-level', 'debug'] },
    nginx => { vars => { PARK => '30s' } });

my @answers;

sub ask {
    my ($status, $method, $path, $data, $name) = @_;

    my $res = $t->admin($method, "/system/$path", $data);

    push @answers, $res->{body};
    is($res->{status}, $status, $name) or diag($res->{body});

    return $res;
}

sub function {
    my $res = $t->admin(GET => "/system/function/$_[0]");

    push @answers, $res->{body};

    return json_of($res) // {};
}

sub last_error {
    my ($name) = @_;

    return function($name)->{annotations}{'com.ngx-faas.last-error'} // '';
}

sub auth { return encode_base64(join(':', @_), ''); }

wait_for(sub { $t->admin(GET => '/system/functions')->{status} == 200 }, WAIT,
    'Docker');

$docker->step('the right password', sub {
    ask(202, POST => 'functions', { service => 'echo', image => IMAGE . ':1',
        registryAuth => auth(USER, PASSWORD) }, 'deploy');
    $t->wait_available('echo');
    is($t->post('/function/echo', 'abc')->{body}, 'abc', 'it runs');
    is(function('echo')->{image}, IMAGE . ':1', 'its image is as it was given');
    ok(!exists function('echo')->{registryAuth}, 'its password is not shown');
});

$docker->step('the wrong password', sub {
    ask(202, POST => 'functions', { service => 'wrong', image => IMAGE . ':2',
        registryAuth => auth(USER, 'another-password') }, 'deploy: wrong');
    ask(202, POST => 'functions', { service => 'without',
        image => IMAGE . ':2' }, 'deploy: without');

    for my $name (qw(wrong without)) {
        wait_for(sub { last_error($name) =~ /No such image/ }, WAIT,
            "error of $name");
        wait_for(sub { last_error($name)
            =~ /unauthorized|no basic auth credentials/ }, WAIT,
            "reason of $name");
        pass("$name: the function says why: " . last_error($name));
        ask(202, DELETE => 'functions', { functionName => $name }, 'delete');
    }

    for my $odd ('*', auth('nocolon')) {
        like(ask(400, POST => 'functions', { service => 'odd',
            image => IMAGE . ':1', registryAuth => $odd }, "\"$odd\": 400")
            ->{body}, qr/^"registryAuth"/, 'which is said');
    }
});

# what was given once is kept, for replicas and versions to come

$docker->step('scale', sub {
    ask(202, POST => 'scale-function/echo', { replicas => 0 }, 'scale to 0');
    wait_for(sub { $docker->docker(qw(ps -q --filter
        label=com.docker.swarm.service.name=echo)) eq '' }, WAIT, 'no replica');
    no_image(1);
    ask(202, POST => 'scale-function/echo', { replicas => 2 }, 'scale to 2');
    $t->wait_available('echo', 2);
    pass('replicas are pulled with the password that was given');
});

$docker->step('update', sub {
    ask(202, PUT => 'functions', { service => 'echo', image => IMAGE . ':2' },
        'update, without the password');
    wait_for(sub { $t->post('/function/echo', 'abc')->{body} eq 'cba' }, WAIT,
        'the other version');
    pass('so is another version');
    wait_for(sub { function('echo')->{image} eq IMAGE . ':2' }, WAIT, 'image');
});

for my $secret (@secrets) {
    my @where = grep { index(slurp($_), $secret) >= 0 }
        grep { !m{/(?:registry|none|config)\b} } $t->logs;

    is_deeply(\@where, [], 'no log has a password');
    ok(!grep({ index($_, $secret) >= 0 } @answers), 'no answer has one');
    ok(index($docker->docker(qw(service inspect echo)), $secret) < 0,
        'nor has its service');
}

$t->scaler->stop;
$registry->stop;
$docker->stop;
$t->finish;
