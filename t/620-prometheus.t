#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# A Prometheus that scrapes a whole stack with the configuration that is
# shipped: each query of each dashboard, and of OpenFaaS' public one, returns
# data, each alert can be evaluated, and docs/metrics.md lists what is served.
# If this fails, somebody looks at an empty graph in the night, or an alert
# never comes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Proc qw(spawn);
use Faas::Test;
use JSON::PP;
use Test::More;
use Time::HiRes;

use constant {
    WAIT   => 60,           # seconds, until a query has data
    WINDOW => '20s',        # as OpenFaaS' dashboard has it
    PACE   => 0.2,          # seconds between calls
};

# of contrib/grafana.json
my @openfaas = (
    'rate(gateway_function_invocation_total[20s])',
    'gateway_service_count',
    'scalar(sum(gateway_function_invocation_total{code="200"}))',
    'rate(gateway_functions_seconds_sum[20s]) / '
        . 'rate(gateway_functions_seconds_count[20s])',
);


my $t = Faas::Test->new(need => [qw(nginx redis-server module scaler queue
    watchdog samples prometheus)]);
my %addr = map { $_ => '127.0.0.1:' . $t->free_port } qw(queue scaler
    prometheus watchdog);

$t->start_stack(scaler => { args => ['--metrics-listen', $addr{scaler}] });
$addr{gateway} = '127.0.0.1:' . $t->nginx->metrics_port;
$t->start_queue(metrics => $addr{queue});

$t->deploy('env');
$t->deploy('fail');
$t->deploy('wordcount', labels => { 'com.openfaas.scale.max' => '3' });

my $prometheus = start_prometheus();

# traffic, for as long as anybody looks: calls of a function that is there,
# of one that fails, and of one that sleeps, also asynchronous ones

my $traffic = Faas::Proc::fork_child(name => 'traffic', code => sub {
    while (1) {
        $t->admin(POST => '/system/scale-function/wordcount',
            { serviceName => 'wordcount', replicas => 0 });
        $t->post('/function/wordcount', 'a b');
        $t->get("/function/$_") for qw(env fail);
        $t->post("/async-function/$_", 'a b') for qw(env fail wordcount);
        Time::HiRes::sleep(PACE);
    }
});

wait_for(sub {
    my $up = query('sum(up)') // [];

    return @$up && $up->[0]{value}[1] == 3;
}, WAIT, 'three targets that are up');
pass('Prometheus scrapes gateway, scaler and queue worker');

# dashboards

for my $expr (@openfaas) {
    has_data($expr, "OpenFaaS: $expr");
}

for my $file (glob $t->root . '/dist/grafana/*.json') {
    my $dashboard = decode_json(slurp($file));
    my ($name) = $file =~ m{([^/]+)\.json$};

    for my $panel (@{ $dashboard->{panels} }) {
        for my $target (@{ $panel->{targets} }) {
            my $expr = $target->{expr};

            $expr =~ s/\$__rate_interval/${\ WINDOW}/g;
            $expr =~ s/\$function\b/wordcount.openfaas-fn/g;
            has_data($expr, "$name, $panel->{title}: $expr");
        }
    }

    for my $variable (@{ $dashboard->{templating}{list} }) {
        my ($series, $label) = ($variable->{definition} // '')
            =~ /^label_values\((\w+), (\w+)\)$/ or next;

        has_data("count by ($label) ($series)", "$name: values of $label");
    }
}

# alerts: none of these has to be true now

my $rules = json_of(http(GET => $addr{prometheus}, '/api/v1/rules'));
my @rules = map { @{ $_->{rules} } } @{ $rules->{data}{groups} };

cmp_ok(scalar @rules, '>=', 13, 'alerts are loaded');
wait_for(sub {
    $rules = json_of(http(GET => $addr{prometheus}, '/api/v1/rules'));
    @rules = map { @{ $_->{rules} } } @{ $rules->{data}{groups} };

    return !grep { $_->{health} eq 'unknown' } @rules;
}, WAIT, 'alerts that were evaluated');
is(scalar(grep { $_->{health} ne 'ok' } @rules), 0, 'all can be evaluated')
    or diag(map { "$_->{name}: $_->{lastError}\n" } @rules);

# each name in them, and in docs/observability.md, is one that is served

my %documented = documented();
my $root = $t->root;
my $text = join "\n", map { slurp($_) } glob("$root/dist/prometheus/*.yml "
    . "$root/dist/grafana/*.json $root/docs/observability.md");
my %used = map { $_ => 1 } $text =~ /(?<![\$\w])
    ((?:faas|gateway|queue_worker|provider)_[a-z_]*[a-z])\b/gx;

for my $name (sort keys %used) {
    next if $name =~ /^faas_(?:json|async|zone)$/;      # not metrics

    my $base = $name =~ s/_(?:bucket|sum|count)$//r;

    ok($documented{$name} || $documented{$base}, "$name is a metric")
}

# docs/metrics.md and what is served

my $watchdog = spawn(name => 'faas-watchdog', log => "$t->{dir}/watchdog.log",
    cmd => [$t->build . '/faas-watchdog'], env => { %{ Faas::Test::san_env() },
        fprocess => 'cat', port => $t->free_port, suppress_lock => 'true',
        metrics_port => $addr{watchdog} =~ s/.*://r,
        healthcheck_interval => '0' });

wait_for(sub {
    return http(GET => $addr{watchdog}, '/metrics')->{status} == 200;
}, 30, 'the metrics of a watchdog');

my %served = served();

is_deeply([grep { !$documented{$_} } sort keys %served], [],
    'all that is served is in docs/metrics.md');
is_deeply([grep { !$served{$_} } sort keys %documented], [],
    'all that is in docs/metrics.md is served');

for my $name (grep { $documented{$_} } sort keys %served) {
    my ($is, $said) = ($served{$name}, $documented{$name});

    is($is->{type}, $said->{type}, "$name: the type is as documented");
    is($is->{program}, $said->{program}, "$name: by the program that is said");
    is($is->{labels}, $said->{labels}, "$name: so are its labels")
        if defined $is->{labels};
}

$traffic->stop;
$t->finish;


# The shipped configuration with the addresses of this test, and in a hurry.
sub start_prometheus {
    my $config = slurp($t->root . '/dist/prometheus/prometheus.yml');
    my %port = (8082 => 'gateway', 8083 => 'queue', 8084 => 'scaler');

    $config =~ s/127\.0\.0\.1:(\d+)/$addr{$port{$1}}/g;
    $config =~ s/_interval: 5s/_interval: 1s/g;
    $t->spew("$t->{dir}/prometheus.yml", $config);
    $t->spew("$t->{dir}/ngx_faas.rules.yml",
        slurp($t->root . '/dist/prometheus/ngx_faas.rules.yml'));

    my $proc = spawn(name => 'prometheus', log => "$t->{dir}/prometheus.log",
        cmd => ['prometheus', "--config.file=$t->{dir}/prometheus.yml",
            "--storage.tsdb.path=$t->{dir}/prometheus",
            "--web.listen-address=$addr{prometheus}"]);

    wait_for(sub {
        die slurp("$t->{dir}/prometheus.log") if !$proc->running;

        return http(GET => $addr{prometheus}, '/-/ready')->{status} == 200;
    }, WAIT, 'Prometheus');

    return $proc;
}


# What a query returns, a list; undef where it fails.
sub query {
    my ($expr) = @_;

    my $escaped = $expr =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ger;
    my $res = http(GET => $addr{prometheus}, "/api/v1/query?query=$escaped");
    my $answer = json_of($res) // {};

    return undef if ($answer->{status} // '') ne 'success';
    return [{ value => $answer->{data}{result} }]
        if $answer->{data}{resultType} eq 'scalar';
    return $answer->{data}{result};
}


# A number, that is: no less than one of them is one.
sub has_data {
    my ($expr, $what) = @_;

    my $result = eval {
        wait_for(sub {
            my $found = query($expr) // [];

            return grep { $_->{value}[1] ne 'NaN' } @$found;
        }, WAIT, 'data');
    };

    ok($result, $what);

    return;
}


# What docs/metrics.md lists: name => { type, labels, program }.
sub documented {
    my %found;
    my $program;

    for (split /\n/, slurp($t->root . '/docs/metrics.md')) {
        $program = $1 if /^## The (.+)/;

        my ($name, $type, $labels) = /^\|\ `(\w+)`\ \|\ (\w+)(?:\ [^|\s]+)?
            \ \|([^|]*)\|/x or next;

        $found{$name} = { type => $type, program => $program,
            labels => join ' ', sort $labels =~ /\w+/g };
    }

    return %found;
}


# What the programs serve; labels only where there is a sample.
sub served {
    my %found;
    my %program = ('gateway' => 'gateway', 'scaler' => 'scaler',
        'queue' => 'queue worker', 'watchdog' => 'watchdog');

    for my $who (sort keys %program) {
        my $type = '';
        my $name = '';

        for (split /\n/, http(GET => $addr{$who}, '/metrics')->{body}) {
            if (/^# TYPE (\w+) (\w+)$/) {
                ($name, $type) = ($1, $2);
                $found{$name} = { type => $type, program => $program{$who} };
            } elsif (/^\Q$name\E(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$/) {
                my @labels = grep { $_ ne 'le' } ($1 // '') =~ /(\w+)="/g;

                $found{$name}{labels} = join ' ', sort @labels;
            }
        }
    }

    return %found;
}
