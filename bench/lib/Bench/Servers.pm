# SPDX-License-Identifier: BSD-2-Clause
#
# The servers of a benchmark: a backend, the gateway with the configuration
# that is shipped, and stock nginx, all with the same workers and the same
# access log.  Each starts when it is first asked for.

package Bench::Servers;

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use Faas::Load;
use Faas::Nginx;
use Faas::Proc qw(spawn);
use Faas::Redis;
use Faas::Test;
use File::Basename qw(dirname);

use constant {
    PATH      => '/function/bench/',
    LOG       => 'access_log logs/access.log combined;',
    SOCKETS   => 10,            # of the backend
    BATCH     => 500,           # routes a command to Redis
    ZONE      => '512m',        # for many functions
    START     => 60,            # seconds, until it answers
    STOP      => 120,           # seconds, under valgrind
};

my $stock = <<'END_OF_CONF';
@USER@
worker_processes @WORKERS@;
worker_rlimit_nofile 16384;
pid run/nginx.pid;
error_log logs/error.log @LOG_LEVEL@;
events { worker_connections 8192; }
http {
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
    default_type application/octet-stream;
    sendfile on;
    tcp_nopush on;
    server_tokens off;
    keepalive_timeout 75s;
    keepalive_requests 10000;
    @HTTP_EXTRA@
    server { listen @LISTEN@; @SERVER_EXTRA@ }
}
END_OF_CONF

my $plain = <<'END_OF_CONF';
    proxy_pass http://functions;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
END_OF_CONF

my %how = (
    gateway => sub { gateway($_[0], 'faas:') },
    many    => sub { many($_[0], 'many:', 0) },
    spread  => sub { many($_[0], 'spread:', 1) },
    plain   => sub { stock($_[0], "location / {\n$plain}\n") },
    same    => sub { stock($_[0], same_location($_[0])) },
    stream  => sub {
        stock($_[0], "location / {\n$plain    proxy_request_buffering off;\n"
            . "    client_max_body_size 1g;\n}\n");
    },
);


# test is a Faas::Test; workers, conf (folder of the configuration),
# functions and replicas (how many "many" and "spread" have).
sub new {
    my ($class, $test, %opt) = @_;

    my $self = bless { test => $test, servers => {}, %opt }, $class;

    $self->start_backend;
    $test->start_redis;
    $test->publish('bench', $self->socket(0));

    return $self;
}


sub test { return $_[0]{test}; }


# The address of one of the backend's sockets.
sub socket {
    my ($self, $i) = @_;

    return 'unix:' . $self->{test}->dir . "/b$i.sock";
}


# The backend is compiled here: it is of no use to anything else.
sub start_backend {
    my ($self) = @_;

    my $test = $self->{test};
    my $binary = $test->dir . '/backend';
    my $res = $test->run($ENV{CC} // 'gcc', qw(-std=gnu11 -O2 -D_GNU_SOURCE),
        '-o', $binary, dirname(__FILE__) . '/../backend.c');

    die "the backend is not compiled:\n$res->{output}\n" if $res->{status};

    $self->{counts} = $test->dir . '/backend.counts';
    $self->{tcp} = $test->free_port;

    my $proc = spawn(name => 'backend', log => $test->dir . '/backend.log',
        cmd => [$binary, $self->{counts}, $self->{tcp},
            map { $self->socket($_) } 0 .. SOCKETS - 1]);

    wait_for(sub {
        die 'the backend does not start: ' . slurp($proc->log_file)
            if !$proc->running;

        return http(GET => $self->socket(SOCKETS - 1), '/')->{status} == 200;
    }, 30, 'answer of the backend');

    return;
}


# Requests and connections that the backend has seen so far.
sub counts {
    my ($self) = @_;

    return unpack 'QQ', slurp($self->{counts});
}


# A running nginx, by its name.
sub server {
    my ($self, $name) = @_;

    return $self->{servers}{$name} //= $self->start($name);
}


sub start {
    my ($self, $name) = @_;

    my %opt = $how{$name}->($self);
    my $nginx = $self->{test}->start_nginx(name => $name, conf => $opt{conf},
        vars => $self->vars(%{ $opt{vars} }));

    wait_for_status($nginx, $nginx->proc, '/healthz') if $opt{is_gateway};

    return $nginx;
}


# Values for the configuration's words that are the same in all of them.
sub vars {
    my ($self, %vars) = @_;

    return { WORKERS => $self->{workers}, LOG_LEVEL => 'warn', %vars,
        CONF => $self->{conf}, SERVER_EXTRA => LOG . "\n"
            . ($vars{SERVER_EXTRA} // '') };
}


# A gateway is healthy when it has the routes.
sub wait_for_status {
    my ($nginx, $proc, $path) = @_;

    my $addr = '127.0.0.1:' . $nginx->port;

    wait_for(sub {
        die $proc->name . " has ended:\n" . slurp($proc->log_file)
            . $nginx->error_log if !$proc->running;

        return http(GET => $addr, $path)->{status} == 200;
    }, START, 'answer of ' . $proc->name);

    return;
}


sub gateway {
    my ($self, $prefix) = @_;

    return (is_gateway => 1, vars => {
        REDIS => $self->{test}->redis_addr . " prefix=$prefix",
    });
}


# A gateway with many functions, in a zone that has room for them.
sub many {
    my ($self, $prefix, $is_spread) = @_;

    my $conf = slurp($self->{test}->root . '/conf/nginx.conf.in');

    $conf =~ s/^( *faas_zone \w+) \w+;/"$1 " . ZONE . ';'/me
        or die "no faas_zone in conf/nginx.conf.in\n";

    $self->publish_many($prefix, $is_spread);

    return (gateway($self, $prefix), conf => $conf);
}


# Routes f00000, f00001, ... some hundred a command.
sub publish_many {
    my ($self, $prefix, $is_spread) = @_;

    my $redis = Faas::Redis->new($self->{test}->redis_addr);
    my $rev = int(time * 1e6);
    my @names = map { sprintf 'f%05d', $_ } 0 .. $self->{functions} - 1;
    my $last = "$names[-1].openfaas-fn";
    my $replica = 0;                # of all functions

    $redis->command(SET => "${prefix}epoch", 'bench');

    while (my @some = splice @names, 0, BATCH) {
        $redis->command(HSET => "${prefix}routes", map {
            ("$_.openfaas-fn", $self->route($_, ++$rev,
                $is_spread ? \$replica : undef))
        } @some);
    }

    $redis->command(XADD => "${prefix}changes", '*', name => $last,
        rev => $rev, prev => $rev - 1);

    return;
}


# A route as JSON; its replicas share the backend's sockets, or each has an
# address of its own in 127.0.0.0/8.
sub route {
    my ($self, $name, $rev, $replica) = @_;

    my @endpoints;

    for my $i (0 .. $self->{replicas} - 1) {
        my $addr = $replica ? $self->own_address($$replica++)
            : $self->socket($i % SOCKETS);

        push @endpoints, qq({"id":"$name-$i","addr":"$addr"});
    }

    return qq({"rev":$rev,"replicas":$self->{replicas},"endpoints":[)
        . join(',', @endpoints) . ']}';
}


# The backend listens on all of 127.0.0.0/8.
sub own_address {
    my ($self, $n) = @_;

    return join('.', 127, 1 + ($n >> 16), ($n >> 8) % 256, $n % 256)
        . ":$self->{tcp}";
}


# Stock nginx with this location.
sub stock {
    my ($self, $location) = @_;

    return (conf => $stock, vars => { SERVER_EXTRA => $location,
        HTTP_EXTRA => 'upstream functions { server ' . $self->socket(0)
            . '; keepalive 256; keepalive_requests 10000;'
            . ' keepalive_timeout 60s; }' });
}


# The shipped location without what is ours in it.
sub same_location {
    my ($self) = @_;

    my $conf = slurp("$self->{conf}/faas/gateway.conf");
    my ($location) = $conf =~ m{^(location /function/ \{.*?^\})}ms
        or die "no location /function/ in conf/faas/gateway.conf\n";

    $location =~ s{^ *include faas/proxy\.conf;\n}
        {slurp("$self->{conf}/faas/proxy.conf")}me;
    $location =~ s/^ *#.*\n//mg;
    $location =~ s/^ *faas_\w+;\n//mg;
    $location =~ s/^ *error_page .*;\n//mg;
    $location =~ s/\$faas_uri//;
    $location =~ s/\$faas_host/\$host/;

    die "of our own in: $location\n" if $location =~ /faas/;

    return $location;
}


# Instructions that a server takes for so many small requests, from its start
# to its end, by valgrind: in one process, with a connection of its own.
sub instructions {
    my ($self, $name, $requests) = @_;

    my $test = $self->{test};
    my %opt = $how{$name}->($self);
    my $nginx = Faas::Nginx->new($test, name => "cg-$name",
        conf => $opt{conf}, vars => $self->vars(%{ $opt{vars} }));
    my $out = $test->dir . "/callgrind.$name.$requests";

    $nginx->write_conf;

    my $proc = spawn(name => "callgrind $name", log => "$out.log", cmd => [
        'valgrind', '--tool=callgrind', "--callgrind-out-file=$out",
        @{ $nginx->command('-g', 'daemon off; master_process off;') }]);

    wait_for_status($nginx, $proc, $opt{is_gateway} ? '/healthz' : PATH);
    $self->ask($nginx, $requests);
    $proc->stop(signal => 'QUIT', timeout => STOP);
    die $proc->problem . "\n" if $proc->problem;

    my ($sum) = (slurp($out) // '') =~ /^summary: (\d+)/m
        or die "valgrind says nothing of $name:\n" . slurp("$out.log");

    unlink $out;

    return $sum;
}


# So many requests on one connection, all of which have to be answered.
sub ask {
    my ($self, $nginx, $requests) = @_;

    my $load = Faas::Load->start(addr => '127.0.0.1:' . $nginx->port,
        dir => $self->{test}->dir, path => PATH, clients => 1,
        requests => $requests);
    my $sum = $load->wait(STOP);

    die "of $requests requests $sum->{ok} were answered: @{ $sum->{errors} }\n"
        if $sum->{ok} != $requests;

    return;
}


# A file with a script for wrk.
sub script {
    my ($self, $text) = @_;

    my $file = $self->{test}->dir . '/' . md5_hex($text) . '.lua';

    $self->{test}->spew($file, $text) if !-e $file;

    return $file;
}


1;
