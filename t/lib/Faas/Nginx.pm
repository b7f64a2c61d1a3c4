# SPDX-License-Identifier: BSD-2-Clause
#
# One nginx of a test: its configuration made from the template that is
# shipped, in a prefix of its own.

package Faas::Nginx;

use strict;
use warnings;

use Faas::HTTP qw(connect_to);
use Faas::Proc qw(descendants run_command slurp spawn wait_for);

use constant START_TIMEOUT => 30;       # seconds until it accepts


# test is the Faas::Test that it belongs to.  Options: name (folder below the
# test's), conf (text of the configuration, with placeholders; default
# conf/nginx.conf.in), vars (placeholders by name, over the defaults).
sub new {
    my ($class, $test, %opt) = @_;

    my $name = $opt{name} // 'nginx';
    my $prefix = $test->dir . "/$name";

    my $self = bless { test => $test, name => $name, prefix => $prefix,
        conf => $opt{conf}, vars => $opt{vars} // {} }, $class;

    for my $dir ('', '/conf', '/logs', '/tmp', '/run') {
        mkdir "$prefix$dir";
    }

    # the folder of the configuration is what nginx's "include" is relative to
    symlink $test->root . '/conf/faas', "$prefix/conf/faas";

    $self->{port} = $opt{port} // $test->free_port;
    $self->{metrics_port} = $opt{metrics_port} // $test->free_port;

    return $self;
}


sub prefix { return $_[0]{prefix}; }

sub port { return $_[0]{port}; }

sub metrics_port { return $_[0]{metrics_port}; }

sub proc { return $_[0]{proc}; }

sub pid { return $_[0]{proc}->pid; }

sub conf_file { return "$_[0]{prefix}/conf/nginx.conf"; }

sub error_log { return slurp("$_[0]{prefix}/logs/error.log") // ''; }


# Lines of the error log that match.
sub log_lines {
    my ($self, $pattern) = @_;

    return grep { /$pattern/ } split /\n/, $self->error_log;
}


# Writes the configuration; conf and vars change what new() was given.
sub write_conf {
    my ($self, %opt) = @_;

    $self->{test}->spew($self->conf_file, $self->conf_text(%opt));

    return;
}


sub conf_text {
    my ($self, %opt) = @_;

    $self->{conf} = $opt{conf} if defined $opt{conf};
    $self->{vars} = { %{ $self->{vars} }, %{ $opt{vars} // {} } };

    my $test = $self->{test};
    my $text = $self->{conf} // slurp($test->root . '/conf/nginx.conf.in')
        // die "cannot read conf/nginx.conf.in: $!\n";

    my %vars = (%{ $self->defaults }, %{ $self->{vars} });

    $text =~ s/\@([A-Z_]+)\@/$vars{$1} \/\/ die "no value for \@$1\@\n"/ge;

    return $text;
}


sub defaults {
    my ($self) = @_;

    my $test = $self->{test};

    return {
        MODULE         => $test->build . '/ngx_http_faas_module.so',
        LISTEN         => "127.0.0.1:$self->{port}",
        METRICS_LISTEN => "127.0.0.1:$self->{metrics_port}",
        REDIS          => $test->redis_addr,
        SCALER         => $test->scaler_addr,
        HTPASSWD       => $test->htpasswd,
        UI             => $test->ui_dir,
        USER           => $> == 0 ? 'user root;' : '',
        WORKERS        => 2,
        PARK           => '30s',
        LOG_LEVEL      => $ENV{FAAS_LOG_LEVEL} // 'info',
        MAIN_EXTRA     => '',
        HTTP_EXTRA     => '',
        SERVER_EXTRA   => '',
    };
}


sub command {
    my ($self, @args) = @_;

    # the last one of an option counts
    return [$self->{test}->nginx_binary, '-p', $self->{prefix},
        '-c', $self->conf_file, '-e', "$self->{prefix}/logs/error.log",
        '-g', 'daemon off;', @args];
}


# Starts it and waits until it accepts on its port (wait => 0: does not).
# daemon => 1 starts it as a daemon, which only the test itself can end.
sub start {
    my ($self, %opt) = @_;

    $self->write_conf(%opt);

    return $self->start_daemon if $opt{daemon};

    my ($wanted) = slurp($self->conf_file)
        =~ /^\s*worker_processes\s+(\d+);/m;

    my $log = "$self->{prefix}/logs/output.log";
    my $proc = $self->{proc} = spawn(name => $self->{name},
        cmd => $self->command, log => $log,
        env => $self->{test}->nginx_env);

    return $self if exists $opt{wait} && !$opt{wait};

    wait_for(sub {
        die "$self->{name} does not start:\n" . (slurp($log) // '')
            . $self->error_log if !$proc->running;

        my $sock = connect_to($self->{port}) // return 0;
        close $sock;

        return $self->workers >= ($wanted // 1);
    }, START_TIMEOUT, "listening $self->{name}");

    return $self;
}


# nginx takes a new binary's signal only when it is a daemon.
sub start_daemon {
    my ($self) = @_;

    my $res = $self->run('-g', 'daemon on;');

    die "$self->{name} does not start:\n$res->{output}" if $res->{status};

    wait_for(sub { $self->master_pid }, START_TIMEOUT, 'pid file');

    return $self;
}


# Of the binary that runs now, by its pid file; 0 where there is none.
sub master_pid {
    my ($self) = @_;

    return (slurp("$self->{prefix}/run/nginx.pid") // '') =~ /(\d+)/ ? $1 : 0;
}


# nginx -t with a configuration that is used for nothing else:
# { status, output }.
sub check {
    my ($self, %opt) = @_;

    my ($conf, $vars) = @$self{qw(conf vars)};
    my $file = $self->{test}->spew("$self->{prefix}/conf/check.conf",
        $self->conf_text(%opt));

    @$self{qw(conf vars)} = ($conf, $vars);

    return run_command($self->command('-c', $file, '-t', '-e',
        "$self->{prefix}/logs/check-error.log"),
        env => $self->{test}->nginx_env,
        log => "$self->{prefix}/logs/check.log");
}


# nginx with these arguments, run to its end: { status, output }.
sub run {
    my ($self, @args) = @_;

    return run_command($self->command(@args),
        env => $self->{test}->nginx_env,
        log => "$self->{prefix}/logs/run.log");
}


# The pids of the workers that take new connections.
sub workers {
    my ($self) = @_;

    return grep {
        (slurp("/proc/$_/cmdline") // '') =~ /^nginx: worker process\b(?! is)/
    } descendants($self->pid);
}


# The pid of the worker that has accepted this TCP connection, undef where none
# has yet.
sub worker_of {
    my ($self, $client) = @_;

    my $sock = $client->socket_of;
    my $tcp = slurp("/proc/net/tcp") // '';
    my $ends = sprintf ':%04X \\w+:%04X', $sock->peerport, $sock->sockport;
    my ($inode) = $tcp =~ /$ends 01 (?:\S+ +){5}(\d+) /;

    return if !defined $inode;

    for my $pid ($self->workers) {
        return $pid if grep { (readlink // '') eq "socket:[$inode]" }
            glob "/proc/$pid/fd/*";
    }

    return;
}


# nginx -s reload; returns when new workers are there and no old one takes
# connections.
sub reload {
    my ($self) = @_;

    my %old = map { $_ => 1 } $self->workers;
    my ($n) = slurp($self->conf_file) =~ /^\s*worker_processes\s+(\d+);/m;

    $n //= keys %old;
    my $res = $self->run('-s', 'reload');

    die "nginx -s reload: $res->{output}" if $res->{status} != 0;

    wait_for(sub {
        my @workers = $self->workers;

        return @workers >= $n && !grep { $old{$_} } @workers;
    }, START_TIMEOUT, 'new workers');

    return;
}


# Ends it: gracefully with signal => 'QUIT'.
sub stop {
    my ($self, %opt) = @_;

    $self->{proc}->stop(%opt);
    $self->{test}->add_problem($self->{proc}->problem);

    return;
}


1;
