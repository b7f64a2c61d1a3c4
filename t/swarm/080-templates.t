#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# Templates as images: "faas build" with Docker, deployed to a Swarm and called.
# If this fails, what was built of a template does not run there.
#
# Of those that need nothing but Debian's base, and one whose packages are
# installed.  What the handlers do t/950-templates.t tests, without Docker.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Docker;
use Faas::Template;
use Faas::Test;
use Test::More;

my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog ./faas dockerd debootstrap)]);
alarm(1500);                # packages are downloaded

my $docker = Faas::Docker->start($t);

# what requirements.txt asks for is a package of Debian
my %args = (python3 => ['--build-arg', 'ADDITIONAL_PACKAGE=python3-requests']);

# the name that Dockerfiles copy the watchdog from
$docker->step('image of the watchdog', sub {
    $docker->build_image('ngx-faas/watchdog:0.1.0',
        "FROM scratch\nCOPY faas-watchdog /\n",
        'faas-watchdog' => $t->root . '/build/faas-watchdog');
});

for my $lang (qw(bash dockerfile python3)) {
    my $handler = $t->root . ($lang eq 'dockerfile'
        ? "/templates/$lang/function" : "/t/templates/$lang");

    $docker->step("image $lang", sub {
        Faas::Template::build($t, $lang, $lang, $handler, image => "$lang:1",
            args => $args{$lang}, env => {
            FAAS_PROVIDER => 'swarm', DOCKER_BUILDKIT => 0,
            DOCKER_HOST => $docker->address });
    });

    my $config = $docker->inspect('inspect', "$lang:1")->{Config};

    is($config->{User}, 'app', "$lang: its user");
    is_deeply($config->{Healthcheck}{Test}, ['CMD', 'fwatchdog',
        '--run-healthcheck'], "$lang: its health check");
}

is($docker->docker(qw(run --rm python3:1 sh -c), 'ls -d packages 2> /dev/null'
    . ' || command -v pip3 || echo no pip'), "no pip\n",
    'python3: pip is not needed');

$docker->inside;
$t->start_stack(scaler => { args => ['--provider', 'swarm', '--docker',
    $docker->address] }, nginx => { vars => { PARK => '30s' } });

for my $lang (qw(dockerfile bash python3)) {
    Faas::Template::deploy($t, $lang, image => "$lang:1");

    is($t->post("/function/$lang", 'some text')->{body}, 'some text',
        "$lang: it answers");
    next if $lang eq 'dockerfile';          # what it runs is "cat"

    is($t->request(PUT => "/function/$lang/request?q=1",
        { 'x-test' => 'mine' }, '')->{body}, 'PUT /request q=1 mine',
        "$lang: it knows of the request");
    is($t->get("/function/$lang/fail")->{status}, 500, "$lang: an error");
}

is($t->get('/function/python3/package')->{body}, 'requests',
    'python3: a package of Debian');

$t->scaler->stop;
$docker->stop;
$t->finish;
