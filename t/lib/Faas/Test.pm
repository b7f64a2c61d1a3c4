# SPDX-License-Identifier: BSD-2-Clause
#
# The harness: a test has a temporary folder, free ports, and starts nginx
# with our module, Redis, the scaler and fake functions in them.  When it
# ends, all its processes are gone, and that none of them has crashed, been
# killed, left another one behind, logged an alert or a sanitizer's report is
# a test as well.
#
# Environment: FAAS_BUILD (folder of the binaries; build), FAAS_SAN=1 (they
# have sanitizers in; build/san), FAAS_LOG_LEVEL (nginx's; info), FAAS_KEEP=1
# (keep the folder), FAAS_TEST_TIMEOUT (seconds; 600), CI=true (nothing
# may be skipped), FAAS_PROVIDER (of tests that can do with each; process).

package Faas::Test;

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use Faas::Api qw(api_at);
use Faas::Backend;
use Faas::HTTP qw(http json_of);
use Faas::Load;
use Faas::Nginx;
use Faas::Proc qw(alive run_command slurp spawn stop_all tail wait_for);
use Faas::Provider;
use Faas::Redis;
use File::Basename qw(dirname);
use File::Find;
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use Test::More;
use parent qw(Faas::Admin);

our @EXPORT = qw(alive http json_of slurp wait_for);

use constant {
    PORT_FIRST => 10000,
    PORT_LAST  => 32000,        # below what the kernel gives to clients
    TAIL       => 20,           # lines of each log shown on failure
};

my $root = abs_path(dirname(__FILE__) . '/../../..');
my $owner = $$;
my $san = ($ENV{FAAS_SAN} // '') eq '1';
my $build = $ENV{FAAS_BUILD} // ($san ? "$root/build/san" : "$root/build");
my $next_port = PORT_FIRST + ($$ * 37) % (PORT_LAST - PORT_FIRST);
my $unfinished;

$build = "$root/$build" if $build !~ m{^/};
$ENV{PATH} .= ':/usr/sbin:/sbin';


# need => [...] names what the test cannot do without: module, scaler,
# watchdog, faas, samples, root, a path below the build's folder (with a slash
# in it), or a program to be found in PATH.  Without it the test is skipped,
# but with CI=true it fails.  provider => 1: the test is one of each
# provider, and has that of FAAS_PROVIDER, see Faas::Provider.
sub new {
    my ($class, %opt) = @_;

    my @missing = map { missing($_) } @{ $opt{need} // [] },
        $opt{provider} ? Faas::Provider->needs : ();

    if (@missing) {
        my $reason = 'there is no ' . join ', no ', @missing;

        plan(skip_all => $reason) if ($ENV{CI} // '') ne 'true';
        BAIL_OUT("$reason, and CI may not skip") if $opt{bail_out};
        fail($reason);
        done_testing();
        exit 1;
    }

    # a unix socket's path has at most 107 bytes
    my $self = bless { dir => tempdir('/tmp/ft.XXXXXXXX'), problems => [],
        nginx_all => [], allowed => [], locks => [] }, $class;

    $unfinished = $self;
    $self->{provider} = Faas::Provider->start($self) if $opt{provider};

    return $self;
}


sub missing {
    my ($name) = @_;

    my %file = (
        module   => "$build/ngx_http_faas_module.so",
        scaler   => "$build/faas-scaler",
        queue    => "$build/faas-queue",
        watchdog => "$build/faas-watchdog",
        faas     => "$build/faas",
        samples  => "$build/samples/wordcount/wordcount",
    );

    my $path = $name =~ m{/} ? "$build/$name" : $file{$name};

    if (defined $path) {
        return -e $path ? () : $path;
    }

    return $> == 0 ? () : 'root (which starts dockerd)' if $name eq 'root';

    return defined which($name) ? () : $name;
}


sub which {
    my ($name) = @_;

    for my $dir (split /:/, $ENV{PATH}) {
        return "$dir/$name" if -x "$dir/$name" && -f _;
    }

    return;
}


sub dir { return $_[0]{dir}; }

sub root { return $root; }

sub build { return $build; }

sub is_sanitized { return $san; }

sub nginx { return $_[0]{nginx}; }

sub scaler { return $_[0]{scaler}; }

sub provider { return $_[0]{provider}; }

sub redis_proc { return $_[0]{redis}; }

sub redis_addr { return "unix:$_[0]{dir}/redis.sock"; }

sub scaler_addr { return "unix:$_[0]{dir}/scaler.sock"; }

sub addr { return '127.0.0.1:' . $_[0]{nginx}->port; }

sub add_problem {
    my ($self, $text) = @_;

    push @{ $self->{problems} }, $text if defined $text;

    return;
}


# A TCP port that nobody uses, and no other test gets while this one runs: a
# UDP socket bound to the same number is the lock.
sub free_port {
    my ($self) = @_;

    for (PORT_FIRST .. PORT_LAST) {
        my $port = $next_port++;
        $next_port = PORT_FIRST if $next_port > PORT_LAST;

        my $lock = IO::Socket::INET->new(LocalAddr => "127.0.0.1:$port",
            Proto => 'udp') // next;
        my $probe = IO::Socket::INET->new(LocalAddr => "0.0.0.0:$port",
            Proto => 'tcp', Listen => 1, ReuseAddr => 1) // next;

        close $probe;
        push @{ $self->{locks} }, $lock;

        return $port;
    }

    die "no free port\n";
}


# Redis on a unix socket.  persist => 1 keeps its data over a restart; args =>
# [...] are further arguments.
sub start_redis {
    my ($self, %opt) = @_;

    my $data = "$self->{dir}/redis";
    my $log = "$self->{dir}/redis.log";
    my ($path) = $self->redis_addr =~ /^unix:(.*)/;

    mkdir $data;

    my $redis = $self->{redis} = spawn(name => 'redis-server', log => $log,
        cmd => ['redis-server', '--port', '0', '--unixsocket', $path,
            '--dir', $data, '--save', '', '--daemonize', 'no',
            '--appendonly', $opt{persist} ? 'yes' : 'no',
            @{ $opt{args} // [] }]);

    wait_for(sub {
        die "redis-server does not start:\n" . slurp($log)
            if !$redis->running;

        return eval { $self->redis('PING') eq 'PONG' };
    }, 30, 'answering redis-server');

    return $redis;
}


# Sends a command on a connection of its own; dies on an error.
sub redis {
    my ($self, @command) = @_;

    return Faas::Redis->new($self->redis_addr)->command(@command);
}


# Publishes a route as the scaler does: the function answers at these
# addresses.  Without addresses it has no replica.  Returns the revision.
sub publish {
    my ($self, $name, @addrs) = @_;

    return Faas::Redis->new($self->redis_addr)->publish($name, @addrs);
}


# Takes a route away.  Returns the revision.
sub unpublish {
    my ($self, $name) = @_;

    return Faas::Redis->new($self->redis_addr)->unpublish($name);
}


# The scaler with its socket, its state in dir/state and the samples as
# functions; args => [...] are further arguments, env => {...}.
sub start_scaler {
    my ($self, %opt) = @_;

    api_at($self->scaler_addr);

    my $log = "$self->{dir}/scaler.log";
    my $scaler = $self->{scaler} = spawn(name => 'faas-scaler', log => $log,
        env => { %{ san_env() }, %{ $opt{env} // {} } },
        cmd => ["$build/faas-scaler", '--listen', $self->scaler_addr,
            '--redis', $self->redis_addr, '--state-dir', "$self->{dir}/state",
            '--functions-dir', $opt{functions} // "$build/samples",
            '--watchdog', "$build/faas-watchdog",
            $self->{provider} ? $self->{provider}->args : (),
            @{ $opt{args} // [] }]);

    wait_for(sub {
        die "faas-scaler does not start:\n" . slurp($log)
            if !$scaler->running;

        return http(GET => $self->scaler_addr, '/healthz')->{status} == 200;
    }, 30, 'healthy faas-scaler');

    return $scaler;
}


# A queue worker that calls through the nginx that was started last, with
# short waits; args => [...] are further arguments, env => {...}; name, for
# more than one; metrics, the address of its metrics.
sub start_queue {
    my ($self, %opt) = @_;

    my $name = $opt{name} // 'faas-queue';
    my $log = "$self->{dir}/$name.log";
    my $addr = $opt{metrics} // "unix:$self->{dir}/$name.sock";
    my $gateway = $opt{gateway} // $self->addr;

    my $queue = spawn(name => $name, log => $log,
        env => { %{ san_env() }, %{ $opt{env} // {} } },
        cmd => ["$build/faas-queue", '--gateway', "http://$gateway",
            '--redis', $self->redis_addr, '--metrics-listen', $addr,
            '--retry-min-wait', '10ms', '--retry-max-wait', '100ms',
            '--log-level', 'info', @{ $opt{args} // [] }]);

    wait_for(sub {
        die "$name does not start:\n" . slurp($log) if !$queue->running;

        return http(GET => $addr, '/healthz')->{status} == 200;
    }, 30, "healthy $name");

    $queue->{addr} = $addr;

    return $queue;
}


# Pids of the watchdogs of the scaler's replicas, of a function's, or of all:
# they are not its children where another one has started them.
sub replica_pids {
    my ($self, $name) = @_;

    my @pids;

    for my $pid (map { m{^/proc/(\d+)} } glob '/proc/[0-9]*') {
        my %env = map { split /=/, $_, 2 }
            grep { /=/ } split /\0/, slurp("/proc/$pid/environ") // '';

        push @pids, $pid if ($env{FAAS_REPLICA} // '') =~ /^\Q$self->{dir}\E\//
            && ($env{LISTEN_PID} // 0) == own_pid($pid)
            && (slurp("/proc/$pid/stat") // '') =~
                /\) \S (?:\d+ ){2}(\d+)/ && $1 == $pid
            && (!defined $name || $env{OPENFAAS_NAME} eq $name);
    }

    return @pids;
}


# what a process takes for its pid
sub own_pid {
    my ($pid) = @_;

    return ((slurp("/proc/$pid/status") // '') =~ /^NSpid:.*?(\d+)$/m)[0]
        // -1;
}


# A path as a replica sees it, from outside: what is isolated has folders of its
# own.
sub inside {
    my ($self, $pid, $path) = @_;

    return "/proc/$pid/root$path";
}


# nginx; options as Faas::Nginx->new takes them.  The first one is what
# get() and the like talk to; another one needs a name.
sub start_nginx {
    my ($self, %opt) = @_;

    my $nginx = Faas::Nginx->new($self, %opt);

    $self->{nginx} //= $nginx;
    push @{ $self->{nginx_all} }, $nginx;

    return $nginx->start(daemon => $opt{daemon});
}


# One beside it that waits for the scaler only shortly.
sub start_hasty_nginx {
    my ($self) = @_;

    my $wait = 'proxy_read_timeout 500ms;';
    my $conf = slurp("$root/conf/nginx.conf.in");
    my $gateway = slurp("$root/conf/faas/gateway.conf");

    $gateway =~ s/proxy_read_timeout [^;]+;/$wait/g;
    $self->spew("$self->{dir}/gateway.conf", $gateway);
    $conf =~ s{include faas/gateway.conf;}
        {include $self->{dir}/gateway.conf;};

    return $self->start_nginx(name => 'hasty', conf => $conf,
        vars => { SERVER_EXTRA => $wait });
}


# Everything with the configuration that is shipped; options for each part:
# redis => {...}, scaler => {...}, nginx => {...}.
sub start_stack {
    my ($self, %opt) = @_;

    $self->start_redis(%{ $opt{redis} // {} });
    $self->start_scaler(%{ $opt{scaler} // {} });
    $self->start_nginx(%{ $opt{nginx} // {} });

    return;
}


# A fake function, see Faas::Backend; without addr on a unix socket.
sub start_backend {
    my ($self, %opt) = @_;

    my $name = $opt{name} // 'backend';

    return Faas::Backend->start(dir => $self->{dir}, %opt, name => $name,
        addr => $opt{addr} // "unix:$self->{dir}/$name.sock");
}


# Clients with keep-alive connections to nginx, see Faas::Load.
sub start_load {
    my ($self, %opt) = @_;

    return Faas::Load->start(addr => $self->addr, dir => $self->{dir}, %opt);
}


# A request to nginx, answer as of Faas::HTTP's http().
sub request {
    my ($self, $method, $path, $headers, $body, %opt) = @_;

    return http($method, $self->addr, $path, $headers, $body, %opt);
}


sub get {
    my ($self, $path, $headers) = @_;

    return $self->request(GET => $path, $headers);
}


sub post {
    my ($self, $path, $body, $headers) = @_;

    return $self->request(POST => $path, $headers, $body);
}


# A file that is there as a whole or not at all.
sub spew {
    my ($self, $file, $text, $mode) = @_;

    open my $out, '>:raw', "$file.new" or die "cannot write $file: $!\n";
    print {$out} $text;
    close $out or die "cannot write $file: $!\n";
    chmod $mode, "$file.new" if defined $mode;
    rename "$file.new", $file or die "cannot write $file: $!\n";

    return $file;
}


# The folder that has the portal in it as ui/; empty where it is not built.
# The folder that holds the portal as ui/.
sub ui_dir { return $build; }


# A command run to its end: { status, signal, output }.
sub run {
    my ($self, @cmd) = @_;

    return run_command(\@cmd, log => "$self->{dir}/command.out");
}


# An nginx built with sanitizers, where there is one, else the stock one; by
# its path, for it starts a new binary by the name that it was started with.
sub nginx_binary {
    return -x "$build/nginx-san" ? "$build/nginx-san"
        : which('nginx') // 'nginx';
}


# A sanitized module in a stock nginx needs the runtime loaded first.
sub nginx_env {
    my ($self) = @_;

    return {} if !$san;

    my $env = san_env();

    $env->{ASAN_OPTIONS} .= ':detect_leaks=0';

    return $env if -x "$build/nginx-san";

    my @libs = map { `gcc -print-file-name=$_` } qw(libasan.so libubsan.so);
    chomp @libs;
    $env->{LD_PRELOAD} = join ':', @libs;

    return $env;
}


sub san_env {
    return {} if !$san;
    return { ASAN_OPTIONS => 'detect_odr_violation=0',
        UBSAN_OPTIONS => 'print_stacktrace=1' };
}


# Lines of nginx's error log that match are no fault in this test.
sub allow_log {
    my ($self, $pattern) = @_;

    push @{ $self->{allowed} }, $pattern;

    return;
}


# The end of a test: stops everything, and tests that all was well.
sub finish {
    my ($self) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    if ($self->{provider}) {

        # a scaler that is alive when Docker ends would tell of it

        if ($self->{scaler} && $self->{scaler}->running) {
            $self->{scaler}->stop;
            $self->add_problem($self->{scaler}->problem);
        }

        $self->{provider}->stop;
    }

    my @problems = (@{ $self->{problems} }, stop_all());

    ok(!@problems, 'processes ran and ended as they should')
        or diag(join "\n", @problems);

    my @alerts = $self->alerts;

    ok(!@alerts, 'no alert in the error log of nginx')
        or diag(join "\n", @alerts);

    my @reports = $self->sanitizer_reports;

    ok(!@reports, 'no report of a sanitizer') or diag(join "\n", @reports);

    done_testing();
    $self->clean_up(Test::More->builder->is_passing);

    return;
}


# The end of a program that is no test: dies where something was wrong.
sub end {
    my ($self) = @_;

    my @problems = (@{ $self->{problems} }, stop_all(), $self->alerts,
        $self->sanitizer_reports);

    die join("\n", @problems) . "\n" if @problems;

    $self->clean_up(1);

    return;
}


sub alerts {
    my ($self) = @_;

    my @lines = map { $_->log_lines(qr/\[(?:alert|emerg)\]/) }
        @{ $self->{nginx_all} };

    for my $pattern (@{ $self->{allowed} }) {
        @lines = grep { !/$pattern/ } @lines;
    }

    return @lines;
}


sub sanitizer_reports {
    my ($self) = @_;

    my @found;

    for my $file ($self->logs) {
        push @found, map { "$file: $_" } grep {
            /ERROR: (?:Address|Leak)Sanitizer|: runtime error: /
        } split /\n/, slurp($file) // '';
    }

    return @found;
}


sub logs {
    my ($self) = @_;

    my @files;

    find({ no_chdir => 1, wanted => sub {
        push @files, $_ if -f && (/\.(?:log|out)$/ || m{/logs/});
    } }, $self->{dir});

    return sort @files;
}


sub clean_up {
    my ($self, $is_passing) = @_;

    $unfinished = undef;

    if ($is_passing && !$ENV{FAAS_KEEP}) {
        remove_tree($self->{dir});
        return;
    }

    for my $file (grep { -s && !/access\.log$/ } $self->logs) {
        diag("==> $file\n" . tail($file, TAIL)) if !$is_passing;
    }

    diag("kept: $self->{dir}");

    return;
}


END {
    if ($$ == $owner && defined $unfinished) {
        my $status = $?;
        stop_all();
        $unfinished->clean_up(0);
        $? = $status || 1;
    }
}


1;
