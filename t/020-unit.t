#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# The unit tests of t/unit/, built by "make unit".  What is lost if one fails
# is at the top of its file.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Proc;
use Faas::Test;
use File::Basename qw(basename);
use Test::More;


my @sources = glob "$FindBin::Bin/unit/test_*.c";
my $t = Faas::Test->new(need => [
    map { 'unit/' . basename($_, '.c') } @sources]);

cmp_ok(scalar @sources, '>', 0, 'there are unit tests');

for my $source (@sources) {
    my $name = basename($source, '.c');
    my $res = Faas::Proc::run_command([$t->build . "/unit/$name"],
        env => { CMOCKA_MESSAGE_OUTPUT => 'TAP', %{ Faas::Test::san_env() } },
        log => $t->dir . "/$name.output", timeout => 300);
    my @results = $res->{output} =~ /^((?:not )?ok \d+ - .*)$/mg;
    my ($planned) = $res->{output} =~ /^1\.\.(\d+)$/m;

    for my $line (@results) {
        $line =~ /^(not )?ok \d+ - (.*)$/;
        ok(!$1, "$name: $2");
    }

    # a crash, a leak, a test that was not run
    ok($res->{status} == 0 && $res->{signal} == 0
        && @results > 0 && @results == ($planned // 0), "$name ends well")
        or diag($res->{output});
}

$t->finish;
