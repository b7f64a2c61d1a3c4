#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The session in docs/quickstart.md on a Docker Swarm: images are built by
# docker build from our templates.  If this fails, somebody's first minutes
# with faas on a Swarm go wrong.
#
# Docker's own output, log lines and times are what differs from the page; what
# functions answer does not.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Faas::Cli;
use Faas::Docker;
use Faas::Session;
use Faas::Test;
use Test::More;

my $t = Faas::Test->new(need => [qw(root nginx redis-server module scaler
    watchdog ./faas dockerd debootstrap)]);
my $docker = Faas::Docker->start($t);

# the name that Dockerfiles copy the watchdog from
$docker->step('image of the watchdog', sub {
    $docker->build_image('ngx-faas/watchdog:0.1.0',
        "FROM scratch\nCOPY faas-watchdog /\n",
        'faas-watchdog' => $t->root . '/build/faas-watchdog');
});

my $session = Faas::Session->new($t->root . '/docs/quickstart.md');
my %env = (DOCKER_BUILDKIT => 0, DOCKER_HOST => $docker->address);

# what is built needs Debian's mirrors, what runs the network of functions:
# images are made first, and built once more in the session, from the cache

my $first = Faas::Cli->new($t, gateway => 'http://127.0.0.1:1');

$first->dir('first');
$first->must('new', 'hello', '--lang', 'python3');
$first->must('new', 'greet', '--lang', 'node', '--append', 'stack.yaml');
$docker->step('images of python3 and node', sub {
    my $res = $session->run($first, 'faas build --provider swarm', \%env);

    is($res->{status}, 0, 'images are built') or diag($res->{output});
});

$docker->inside;
$t->start_stack(scaler => { args => ['--provider', 'swarm', '--docker',
    $docker->address] }, nginx => { vars => { PARK => '30s' } });

my $cli = Faas::Cli->new($t);

$cli->file('password', Faas::Admin::PASSWORD . "\n", 0600);

for my $step ($session->steps) {
    my $res = $session->run($cli, $step->{command}, \%env);

    is($res->{status}, 0, "\$ $step->{command}") or diag($res->{output});
    is($session->normal($res->{output}, $cli),
        $session->normal($step->{output}, $cli), 'prints what the page says')
        if $step->{command} !~ /^faas (?:build|up|logs)\b/;
}

$t->scaler->stop;
$docker->stop;
$t->finish;
