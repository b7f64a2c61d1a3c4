# SPDX-License-Identifier: BSD-2-Clause
#
# A Docker Swarm of a test's own: each node is a dockerd in its own process,
# mount and network namespace, so that one SIGKILL is the loss of a node, and
# nothing of it is left afterwards.  Nodes are joined by a veth pair each to the
# manager's namespace.
#
# Images are made from a debootstrap'd tree, which is kept in FAAS_TEST_CACHE
# (/var/cache/ngx_faas-tests) for the next test.

package Faas::Docker;

use strict;
use warnings;

use Faas::Proc qw(run_command slurp spawn wait_for);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path remove_tree);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More ();
use Time::HiRes qw(time);

use constant {
    BASE          => 'debian:bookworm-slim',
    NET           => '192.0.2',         # TEST-NET-1: nodes
    UPLINK        => '198.18',          # for benchmarks: to this machine
    CLONE_NEWNET  => 0x40000000,
    INSIDE        => 'faas-test',       # the container that inside() enters
    START_TIMEOUT => 60,                # seconds

    # no image can be pulled: that is to be known at once
    HOSTS => "127.0.0.1 localhost docker.io registry-1.docker.io"
        . " index.docker.io\n",
};

my $cache = $ENV{FAAS_TEST_CACHE} // '/var/cache/ngx_faas-tests';
my %setns_number = (x86_64 => 308, aarch64 => 268);

my @running;

# the first process of a node: reaps what others leave
my $init = '$SIG{CHLD} = "IGNORE"; sleep 1000 while 1';


# Starts a Swarm; nodes => N (1).  The network of functions is made too.
sub start {
    my ($class, $test, %opt) = @_;

    my $self = bless { test => $test, dir => tempdir('/tmp/fd.XXXXXXXX'),
        nodes => [], id => $$ % 10_000, owner => $$ }, $class;

    open $self->{host}, '<', '/proc/self/ns/net'
        or die "cannot open /proc/self/ns/net: $!\n";
    push @running, $self;
    base_tree($self);

    for my $n (1 .. $opt{nodes} // 1) {
        $self->step("node $n", sub { $self->add_node($n) });
    }

    $self->docker(qw(network create -d overlay --attachable --label
        openfaas=true functions));

    return $self;
}


# Runs a part of a test and says how long it took.
sub step {
    my ($self, $name, $code) = @_;

    my $begin = time;
    my $result = $code->();

    Test::More::diag(sprintf '%6.1f s  %s', time - $begin, $name);

    return $result;
}


# What another test has to know to use this Swarm, see attach().
sub description {
    my ($self) = @_;

    return encode_json({ dir => $self->{dir}, nodes => [map { {
        n => $_->{n}, ip => $_->{ip}, dir => $_->{dir}, pid => $_->{pid},
        socket => $_->{socket} } } @{ $self->{nodes} }] });
}


# A Swarm that another test has started, and ends.
sub attach {
    my ($class, $test, $description) = @_;

    my $self = bless { %{ decode_json($description) }, test => $test,
        owner => $$, is_attached => 1, n_runs => 0,
        n_builds => $$ }, $class;

    open $self->{host}, '<', '/proc/self/ns/net'
        or die "cannot open /proc/self/ns/net: $!\n";

    return $self;
}


# Takes away what the scaler can have made in it, and containers that were
# started beside it.
sub clear {
    my ($self) = @_;

    for my $kind (qw(service config secret)) {
        my @ids = split /\n/, $self->docker($kind, qw(ls -q));

        $self->docker($kind, 'rm', @ids) if @ids;
    }

    return;
}


# The tree that all images begin with, as an archive.
sub base_tree {
    my ($self) = @_;

    my $file = "$cache/bookworm.tar";

    make_path($cache);
    open my $lock, '>', "$cache/lock" or die "cannot write $cache/lock: $!\n";
    flock $lock, LOCK_EX or die "cannot lock $cache/lock: $!\n";

    if (!-e $file) {
        my $dir = "$self->{dir}/base";

        $self->step('debootstrap', sub {
            $self->run(600, qw(debootstrap --variant=minbase bookworm), $dir);
            $self->run(120, 'tar', '-C', $dir, '-c', '-f', "$file.new", '.');
            rename "$file.new", $file or die "cannot rename $file.new: $!\n";
            $self->run(60, 'rm', '-rf', $dir);
        });
    }

    close $lock;
    $self->{base} = $file;

    return;
}


# Runs a command, dies where it fails, returns its output.
sub run {
    my ($self, $timeout, @cmd) = @_;

    my $res = run_command(\@cmd, timeout => $timeout,
        log => "$self->{test}{dir}/run.out." . ++$self->{n_runs});

    die "@cmd: $res->{output}\n" if $res->{status} || $res->{signal};

    return $res->{output};
}


sub add_node {
    my ($self, $n) = @_;

    my $node = $self->{nodes}[$n - 1] = { n => $n, ip => NET . ".$n",
        dir => "$self->{dir}/$n" };

    mkdir $node->{dir};
    $node->{socket} = "$node->{dir}/docker.sock";
    $node->{proc} = spawn(name => "node $n", log => "$node->{dir}/init.log",
        cmd => [qw(unshare --net --mount --pid --fork --kill-child=KILL
            --mount-proc perl -e), $init]);

    $node->{pid} = wait_for(sub { child_of($node->{proc}->pid) }, 10,
        'init of a node');

    $self->{test}->spew("$node->{dir}/hosts", HOSTS);
    $self->in_node($n, "mount -t tmpfs tmpfs /run; mkdir -p /run/lock;
        mount --bind $node->{dir}/hosts /etc/hosts; ip link set lo up;
        mkdir $node->{dir}/data; mount -t tmpfs tmpfs $node->{dir}/data");
    $self->connect_node($n);
    $self->start_dockerd($n);

    if ($n == 1) {
        $self->docker(qw(swarm init --advertise-addr), $node->{ip});
        $self->{token} = $self->docker(qw(swarm join-token -q worker));
        chomp $self->{token};

    } else {
        $self->docker_at($n, qw(swarm join --token), $self->{token},
            '--advertise-addr', $node->{ip}, NET . '.1:2377');
    }

    $self->run(120, 'docker', '-H', "unix://$node->{socket}", 'import',
        $self->{base}, BASE);

    return;
}


# The process that a pid has started.
sub child_of {
    my ($pid) = @_;

    my ($child) = (slurp("/proc/$pid/task/$pid/children") // '') =~ /(\d+)/;

    return if !defined $child;

    # its namespaces are made, and its /proc is mounted, before perl is run
    return (slurp("/proc/$child/comm") // '') =~ /^perl/ ? $child : undef;
}


# The manager's addresses are those of a bridge; its veth pairs lead to the
# other nodes, and one to this machine.
sub connect_node {
    my ($self, $n) = @_;

    my ($first, $node) = @{ $self->{nodes} }[0, $n - 1];

    if ($n == 1) {
        $self->in_node(1, "ip link add nodes type bridge;
            ip addr add $node->{ip}/24 dev nodes; ip link set nodes up");
        $self->connect_uplink($node);
        return;
    }

    $self->run(10, 'nsenter', '-t', $first->{pid}, '--net', 'ip', 'link',
        'add', "node$n", 'type', 'veth', 'peer', 'name', 'eth0', 'netns',
        $node->{pid});
    $self->in_node(1, "ip link set node$n master nodes;
        ip link set node$n up");
    $self->in_node($n, "ip addr add $node->{ip}/24 dev eth0;
        ip link set eth0 up; ip route add default via $first->{ip}");

    return;
}


# Debian's mirrors, for images.
sub connect_uplink {
    my ($self, $node) = @_;

    my $name = $self->{uplink} = "faas$self->{id}";
    my ($here, $there) = map { $self->uplink_addr($_) } 1, 2;

    $self->run(10, 'ip', 'link', 'add', $name, 'type', 'veth', 'peer', 'name',
        'uplink', 'netns', $node->{pid});
    $self->run(10, 'ip', 'addr', 'add', "$here/30", 'dev', $name);
    $self->run(10, 'ip', 'link', 'set', $name, 'up');
    $self->in_node(1, "ip addr add $there/30 dev uplink;
        ip link set uplink up; ip route add default via $here;
        echo 1 > /proc/sys/net/ipv4/ip_forward");

    $self->{had_forward} = slurp('/proc/sys/net/ipv4/ip_forward');
    set_forward(1);
    $self->run(10, qw(iptables -w -t nat -A POSTROUTING), $self->nat_rule);

    return;
}


sub nat_rule {
    my ($self) = @_;

    return ('-s', $self->uplink_addr(0) . '/30', '-j', 'MASQUERADE');
}


# Each Swarm has a network of its own: there may be several at a time.
sub uplink_addr {
    my ($self, $i) = @_;

    return sprintf '%s.%d.%d', UPLINK, $self->{id} >> 6,
        (($self->{id} & 63) << 2) + $i;
}


sub set_forward {
    my ($value) = @_;

    open my $out, '>', '/proc/sys/net/ipv4/ip_forward' or return;
    print {$out} $value;
    close $out;

    return;
}


# A node, for enter().
sub node { return $_[0]{nodes}[$_[1] - 1]; }


# Shell commands in a node's network and mounts.
sub in_node {
    my ($self, $n, $script) = @_;

    return $self->run(60, enter($self->{nodes}[$n - 1]), 'sh', '-ec',
        $script);
}


sub enter {
    my ($node) = @_;

    return ('nsenter', '-t', $node->{pid}, qw(--net --mount --pid));
}


sub start_dockerd {
    my ($self, $n) = @_;

    my $node = $self->{nodes}[$n - 1];

    $node->{dockerd} = spawn(name => "dockerd $n",
        log => "$self->{test}{dir}/dockerd-$n.log",
        cmd => [enter($node), 'dockerd', '-H', "unix://$node->{socket}",
            '--data-root', "$node->{dir}/data", '--exec-root', '/run/docker',
            '--pidfile', '/run/dockerd.pid', '--cgroup-parent',
            "/faas-test-$self->{id}-$n", '--log-level', 'error']);

    wait_for(sub {
        die "dockerd does not start\n"
            if !$node->{dockerd}->running;

        return docker_ok("unix://$node->{socket}", "$node->{dir}/ping.out");
    }, START_TIMEOUT, 'dockerd');

    return;
}


# Ends a node's dockerd and starts it again.  Its containers end with it, for a
# Swarm's cannot outlive it.
sub restart_dockerd {
    my ($self, $n) = @_;

    $self->{nodes}[$n - 1]{dockerd}->stop(timeout => START_TIMEOUT);
    $self->start_dockerd($n);

    return;
}


sub docker_ok {
    my ($address, $log) = @_;

    return run_command(['docker', '-H', $address, 'version', '--format',
        '{{.Server.Version}}'], log => $log)->{status} == 0;
}


# Docker's address of a node, the manager's where none is given.
sub address { return "unix://$_[0]{nodes}[($_[1] // 1) - 1]{socket}"; }


# The nodes that are not lost.
sub live_nodes {
    return map { $_->{n} } grep { !$_->{is_gone} } @{ $_[0]{nodes} };
}


# Runs docker against the manager, or a node; dies where that fails.
sub docker {
    my ($self, @args) = @_;

    return $self->docker_at(1, @args);
}


sub docker_at {
    my ($self, $n, @args) = @_;

    local $ENV{DOCKER_BUILDKIT} = 0;

    return $self->run(600, 'docker', '-H', $self->address($n), @args);
}


# What docker inspect says.
sub inspect {
    my ($self, @args) = @_;

    return decode_json($self->docker(@args))->[0];
}


# Builds an image from the lines of a Dockerfile, and files => { NAME => FILE }
# beside it, and puts it on every node.
sub build_image {
    my ($self, $name, $dockerfile, %files) = @_;

    my $dir = "$self->{dir}/build." . ++$self->{n_builds};

    mkdir $dir;
    $self->{test}->spew("$dir/Dockerfile", $dockerfile);

    for my $file (keys %files) {
        make_path(dirname("$dir/$file"));
        copy($files{$file}, "$dir/$file") or die "cannot copy $file: $!\n";
        chmod 0755, "$dir/$file";
    }

    $self->docker('build', '-q', '-t', $name, $dir);
    $self->spread($name);

    return;
}


# Copies an image of the manager to the other nodes.
sub spread {
    my ($self, @names) = @_;

    my $file = "$self->{dir}/image.tar";

    return if @{ $self->{nodes} } == 1;

    $self->docker('save', '-o', $file, @names);
    $self->docker_at($_, 'load', '-q', '-i', $file)
        for 2 .. @{ $self->{nodes} };
    unlink $file;

    return;
}


# The image of a function: the watchdog, and what it runs; no_health => 1: no
# health check.  One that has sanitizers in needs libraries, and is not static:
# images have the other one.
sub function_image {
    my ($self, $name, %opt) = @_;

    my $lines = join "\n", 'FROM ' . BASE,
        'COPY faas-watchdog /usr/bin/', 'WORKDIR /home/app',
        (map { "COPY $_ ./" } sort keys %{ $opt{files} // {} }),
        (map { "ENV $_=\"$opt{env}{$_}\"" } sort keys %{ $opt{env} // {} }),
        $opt{no_health} ? 'HEALTHCHECK NONE'
            : 'HEALTHCHECK --interval=1s --timeout=2s CMD'
            . ' ["faas-watchdog", "--run-healthcheck"]',
        'CMD ["faas-watchdog"]', '';

    $self->build_image($name, $lines, %{ $opt{files} // {} },
        'faas-watchdog' => $self->{test}->root . '/build/faas-watchdog');

    return;
}


# From now on this process, and what it starts, is on the network of functions
# of a node, the manager: so the gateway and the scaler reach them as in a
# stack.
sub inside {
    my ($self, $n) = @_;

    my $node = $self->{nodes}[($n // 1) - 1];
    my ($id) = $self->docker_at($node->{n}, 'ps', '-q', '--filter',
        'name=' . INSIDE);

    # a worker hears of the network only when something wants it: Docker itself
    # may not find it then for a moment

    wait_for(sub {
        $id = eval {
            $self->docker_at($node->{n}, qw(run -d --restart always --name),
                INSIDE, qw(--network functions), BASE, qw(sleep infinity));
        };
        $self->docker_at($node->{n}, qw(rm -f), INSIDE) if !$id;

        return $id;
    }, 30, 'a container on the network') if !$id;

    my $pid = decode_json($self->docker_at($node->{n}, 'inspect', INSIDE))
        ->[0]{State}{Pid};

    open my $ns, '<', "/proc/$node->{pid}/root/proc/$pid/ns/net"
        or die "cannot open the namespace of $pid: $!\n";

    set_namespace($ns);
    close $ns;

    return;
}


# From now on this process is in the network of a node, where the ports are
# that its containers publish.
sub at_node {
    my ($self, $n) = @_;

    open my $ns, '<', "/proc/$self->{nodes}[$n - 1]{pid}/ns/net"
        or die "cannot open the namespace of node $n: $!\n";

    set_namespace($ns);
    close $ns;

    return;
}


# Back to where this process was before.
sub outside {
    my ($self) = @_;

    set_namespace($self->{host});

    return;
}


sub set_namespace {
    my ($ns) = @_;

    my $number = $setns_number{(POSIX::uname())[4]}
        // die "setns() has no number here\n";

    syscall($number, fileno $ns, CLONE_NEWNET) == 0
        or die "setns(): $!\n";

    return;
}


# The loss of a node: nothing comes from there any more, not even that a
# connection is closed, and all that runs there is killed at once.
sub kill_node {
    my ($self, $n) = @_;

    my $node = $self->{nodes}[$n - 1];

    $self->in_node(1, "ip link set node$n down") if $n != 1;

    kill 'KILL', $node->{pid};
    $node->{dockerd}->stop(may_be_gone => 1, signal => 'KILL');
    $node->{proc}->stop(may_be_gone => 1, signal => 'KILL');

    wait_for(sub { !-e "/proc/$node->{pid}" }, 30, 'end of a node');
    $self->remove_cgroups($n);
    $node->{is_gone} = 1;

    return;
}


sub remove_cgroups {
    my ($self, $n) = @_;

    my $name = "faas-test-$self->{id}-$n";

    Faas::Proc::wait_quietly(sub {
        for my $dir (glob "/sys/fs/cgroup/$name /sys/fs/cgroup/*/$name") {
            system 'find', $dir, qw(-depth -type d -exec rmdir {} ;)
                if -d $dir;
        }

        return !grep { -d } glob "/sys/fs/cgroup/$name
            /sys/fs/cgroup/*/$name";
    }, 10);

    return;
}


# Ends all of it.
sub stop {
    my ($self) = @_;

    if ($self->{is_attached}) {
        $self->clear;
        $self->outside;
        return;
    }

    for my $node (reverse @{ $self->{nodes} }) {
        $self->kill_node($node->{n}) if !$node->{is_gone};
    }

    $self->outside;

    if ($self->{uplink}) {
        $self->run(10, qw(iptables -w -t nat -D POSTROUTING), $self->nat_rule);

        # another test's Swarm may need it as well
        set_forward($self->{had_forward}) if !grep {
            !m{/\Q$self->{uplink}\E$} } glob '/sys/class/net/faas*';
    }

    @running = grep { $_ != $self } @running;
    remove_tree($self->{dir});

    return;
}


# what a test that died has left
END {
    my $status = $?;

    for my $docker (grep { $_->{owner} == $$ } @running) {
        eval { $docker->stop; 1 } or print STDERR "# $@";
    }

    $? = $status;
}


1;
