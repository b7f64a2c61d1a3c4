#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The session in docs/quickstart.md, command by command, with the process
# provider.  If this fails, somebody's first minutes with faas go wrong.
#
# FAAS_RECORD=1 writes what is printed into the page.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Cli;
use Faas::Session;
use Faas::Test;
use Test::More;


my $t = Faas::Test->new(need => [qw(module nginx redis-server scaler watchdog
    faas python3 node)]);

mkdir $t->dir . '/functions';
$t->start_stack(scaler => { functions => $t->dir . '/functions' });

my $cli = Faas::Cli->new($t);
my $session = Faas::Session->new($t->root . '/docs/quickstart.md');

$cli->file('password', Faas::Admin::PASSWORD . "\n", 0600);

for my $step ($session->steps) {
    my $res = $session->run($cli, $step->{command});

    $step->{printed} = $session->normal($res->{output}, $cli);
    is($res->{status}, 0, "\$ $step->{command}") or diag($res->{output});
    is($step->{printed}, $session->normal($step->{output}, $cli),
        'prints what the page says') if !$ENV{FAAS_RECORD};
}

$session->record if $ENV{FAAS_RECORD};
$t->finish;
