#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What is shipped for Prometheus and Grafana, without either running.  If this
# fails, Prometheus does not start with it, an alert does not come when it
# should, or Grafana refuses a dashboard.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Test;
use JSON::PP;
use Test::More;


my $t = Faas::Test->new(need => [qw(docker-compose promtool)]);
my $dist = $t->root . '/dist';

# Prometheus

for my $what (['check', 'config', "$dist/prometheus/prometheus.yml"],
    ['check', 'config', "$dist/prometheus/prometheus-swarm.yml"],
    ['check', 'rules', "$dist/prometheus/ngx_faas.rules.yml"],
    ['test', 'rules', "$dist/prometheus/ngx_faas.test.yml"])
{
    my $res = $t->run('promtool', @$what);

    is($res->{status}, 0, "promtool @$what[0, 1] $what->[2]")
        or diag($res->{output});
}

my $rules = slurp("$dist/prometheus/ngx_faas.rules.yml");
my $tests = slurp("$dist/prometheus/ngx_faas.test.yml");
my $doc = slurp($t->root . '/docs/observability.md');
my %alerts = $rules =~ /^ +- alert: (\w+)\n.*?severity: (\w+)/msg;

cmp_ok(scalar keys %alerts, '>=', 13, 'there are alerts');

for my $alert (sort keys %alerts) {
    ok($tests =~ /^ +alertname: $alert\n +exp_alerts:\n +- exp_labels/m,
        "$alert has a test in which it is on");
    ok($tests =~ /alertname: $alert\}/, "$alert has one in which it is off");
    ok($doc =~ /^\| `$alert` \| $alerts{$alert} \| ./m,
        "$alert is documented");
}

is_deeply([sort $doc =~ /^\| `(Faas\w+)` \|/mg], [sort keys %alerts],
    'no other is');

# the stack that has Prometheus in it

my $res = $t->run('docker-compose', map({ ('-f', $t->root . "/docker/$_.yml") }
    qw(stack stack.monitoring)), 'config');

is($res->{status}, 0, 'stack.monitoring.yml fits stack.yml')
    or diag($res->{output});
like($res->{output}, qr{file: \Q$dist\E/prometheus/ngx_faas\.rules\.yml},
    'it finds the rules');

# Grafana

$res = $t->run("$dist/grafana/generate", $t->dir);

is($res->{status}, 0, 'the dashboards are made') or diag($res->{output});

my %uids;

for my $name (qw(function gateway overview)) {
    my $text = slurp("$dist/grafana/$name.json");
    my $board = decode_json($text);

    is($text, slurp("$t->{dir}/$name.json"), "$name: it is what is made");
    cmp_ok($board->{schemaVersion}, '>=', 39, "$name: of a Grafana of today");
    ok(!defined $board->{id}, "$name: it has no number of one Grafana");
    ok(!$uids{$board->{uid}}++, "$name: its uid is its own");

    my ($source) = grep { $_->{type} eq 'datasource' }
        @{ $board->{templating}{list} };
    my @sources = map { $_->{datasource}{uid} } @{ $board->{panels} },
        map { @{ $_->{targets} } } @{ $board->{panels} };

    is_deeply([grep { $_ ne "\${$source->{name}}" } @sources], [],
        "$name: each panel asks the data source that is chosen");
    is(overlaps(@{ $board->{panels} }), '', "$name: no panel covers another");

    my %ids;

    is_deeply([grep { $ids{$_->{id}}++ } @{ $board->{panels} }], [],
        "$name: panels have numbers of their own");
}

$t->finish;


# The titles of two panels that share a place, or of one beyond the border.
sub overlaps {
    my %taken;

    for my $panel (@_) {
        my ($x0, $y0, $w, $h) = @{ $panel->{gridPos} }{qw(x y w h)};

        return $panel->{title} if $x0 + $w > 24;

        for my $x ($x0 .. $x0 + $w - 1) {
            for my $y ($y0 .. $y0 + $h - 1) {
                my $other = $taken{"$x,$y"};

                return "$panel->{title}, $other" if defined $other;

                $taken{"$x,$y"} = $panel->{title};
            }
        }
    }

    return '';
}
