#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A template is copied into a user's folder as a whole, so what two of them
# share is there twice.  If this fails, a fault was mended in one of them only.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use Test::More;

# files that are the same in the template and in the one it is a variant of
my @same = (
    ['python3', 'python3-http', qw(build.sh satisfied.py)],
    ['go', 'golang-middleware', qw(build.sh go.mod)],
    ['ruby', 'ruby-http', qw(build.sh function/Gemfile)],
);

my $t = Faas::Test->new;
my $dir = $t->root . '/templates';

for my $case (@same) {
    my ($one, $other, @files) = @$case;

    ok(slurp("$dir/$one/$_") eq slurp("$dir/$other/$_"),
        "$other: $_ is that of $one") for @files;

    # what runs, and how, is all that they differ in
    is(dockerfile($other), dockerfile($one),
        "$other: so is the Dockerfile but for fprocess");
}

$t->finish;


sub dockerfile {
    my ($name) = @_;

    return slurp("$dir/$name/Dockerfile") =~ s/^ENV fprocess=.*$//mr;
}
