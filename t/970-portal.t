#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The portal in a browser, with the whole stack behind it.  If this fails,
# somebody who looks at the portal sees nothing, or something wrong, or cannot
# do there what its buttons say.
#
# What is looked at is in ui/test; each of its checks is a test here.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Portal;
use Test::More;


my $portal = Faas::Portal->new;
my $t = $portal->test;

# calls that fail are given up at once
$t->start_queue(args => ['--retry-attempts', '1']);
$t->deploy($_) for qw(env fail hello-node wordcount);

my $has_ended = $portal->run('run.mjs', sub {
    my ($line) = @_;

    if ($line =~ /^(not )?ok (.*)/) {
        ok(!$1, $2);
    } elsif ($line =~ /^# (.*)/) {
        diag($1);
    } else {
        fail("a line that is none: $line");
    }
});

ok($has_ended, 'all of ui/test was run');
$t->finish;
