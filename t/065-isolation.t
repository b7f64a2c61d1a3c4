#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# What replicas may see and use: users, namespaces, limits; by root, by a user
# namespace, and where a machine allows neither.  If this fails, a function
# reads another one's secrets, or takes the machine down with it.

use strict;
use warnings;

use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";

use Faas::Api;
use Faas::HTTP;
use Faas::Proc;
use Faas::Test;
use JSON::PP;
use Test::More;

use constant {
    WAIT   => 30,               # seconds, for everything that has to happen
    UID    => 1_879_048_192,    # the first of replicas
    NOBODY => 65_534,
};


my $t = Faas::Test->new(need => [qw(redis-server scaler watchdog setpriv)]);
my $dir = $t->dir;
my $state = "$dir/state";
my $images = "$dir/functions";
my $addr;

BAIL_OUT('users can only be given by root') if $> != 0;

# each call evaluates what it is sent, and answers with the result as JSON
make_path("$images/eval", "$images/closed");
$t->spew("$images/eval/eval.pl", <<'END', 0644);
use JSON::PP;
sub slurp { open my $fh, '<', $_[0] or return; local $/; scalar <$fh> }
sub names { opendir my $d, $_[0] or return "$!";
    [sort grep { !/^\./ } readdir $d] }
sub put { open my $fh, '>', $_[0] or return "$!"; print {$fh} $_[1];
    close $fh ? 'written' : "$!" }
sub field { (slurp("/proc/self/status") =~ /^$_[0]:[ \t]*(.*)$/m)[0] }
my $code = do { local $/; <STDIN> };
my @all = eval $code;
print JSON::PP->new->canonical->allow_nonref->encode($@ ne '' ? "$@" : \@all);
END
$t->spew("$images/eval/eat.pl", 'my $x = "x" x (256 << 20); sleep', 0644);
chmod 0700, "$images/closed";

sub deploy {
    my ($name, %deployment) = @_;

    my $res = call(POST => '/system/functions', { service => $name,
        image => 'eval', envProcess => 'perl eval.pl', %deployment });

    is($res->{status}, 202, "deploy of $name") or diag($res->{body});

    return;
}

sub last_error {
    my ($name, $pattern, $what) = @_;

    my $error = '';

    Faas::Proc::wait_quietly(sub {
        $error = status($name)->{annotations}{'com.ngx-faas.last-error'} // '';
        $error =~ $pattern;
    }, WAIT);
    like($error, $pattern, $what);

    return;
}

sub is_removed {
    my ($name) = @_;

    is(remove($name), 202, "delete of $name");

    return;
}

# replicas' sockets, by number
sub sockets {
    my ($in) = @_;

    return map { "unix:$_->[0]" } sort { $a->[1] <=> $b->[1] }
        map { [$_, m{(\d+)\.sock$}] } glob "$in/s/*.sock";
}

# what the code says in the newest replica, or in that behind the socket
sub in_replica {
    my ($code, $socket) = @_;

    $socket //= (sockets($state))[-1];

    my $res = http(POST => $socket, '/', {}, $code);

    return $res->{status} == 200 ? @{ json_of($res) }
        : "$res->{status} $res->{body}";
}

# files that replicas have
sub left { return my @all = glob "$state/{tmp,s,secrets-of}/*"; }

# folders that the kernel has of the limits of this scaler's replicas
sub groups {
    use integer;                # wraps around

    my $hash = -3_750_763_034_362_895_579;
    $hash = ($hash ^ ord) * 1_099_511_628_211 for split //, $state;

    return grep { m{/\d+$} } map { glob "$_/*" } split /\n/,
        qx(find /sys/fs/cgroup -name @{[sprintf 'ngx_faas-%016x', $hash]});
}

# a scaler as it is started by a user; returns it and its log
sub start_as {
    my ($name, $as, %opt) = @_;

    my $home = $opt{home} // $dir;
    my $log = "$dir/$name.log";
    $addr = "unix:$home/$name.sock";
    api_at($addr);
    $state = $opt{state} // "$home/$name";

    my $scaler = Faas::Proc::spawn(name => $name, log => $log,
        env => Faas::Test::san_env(), cmd => [@$as,
            ($opt{build} // $t->build) . '/faas-scaler', '--listen', $addr,
            '--state-dir', $state, '--functions-dir',
            $opt{functions} // $images, '--redis', '127.0.0.1:1',
            '--watchdog', ($opt{build} // $t->build) . '/faas-watchdog',
            @{ $opt{args} // [] }]);

    wait_for(sub { http(GET => $addr, '/healthz')->{status} == 200 }, WAIT,
        $name);

    return ($scaler, $log);
}


my ($scaler, $log) = start_as('first', [], args => ['--max-processes', 64]);

like(slurp($log), qr/isolation=root memory=cgroup cpu=cgroup$/m,
    'root can isolate, and limit by control groups');

subtest 'users' => sub {
    deploy('a');
    wait_ready('a');
    deploy('b', labels => { 'com.openfaas.scale.min' => '2' });
    wait_ready('b', 2);

    my @sockets = sockets($state);
    is_deeply([in_replica('map { field($_) } qw(Uid Gid Groups CapEff CapPrm
        CapInh CapAmb NoNewPrivs)', $sockets[$_ - 1])],
        [(join "\t", (UID + $_) x 4) x 2, '', ('0' x 16) x 4, 1],
        "replica $_ is a user of its own, with no privileges") for 1 .. 3;
    is_deeply([in_replica('[sort { $a <=> $b } grep { /^\d+$/ }
        @{names("/proc")}]->@[0 .. 1]')]->[0], 1, 'it has pids of its own');
    is((in_replica('scalar grep { /^\d+$/ } @{names("/proc")}'))[0], 2,
        'and sees no other process');
    is((in_replica('(stat "/proc/self/fd/2")[4] == $>'))[0], 1,
        'what it prints can be opened by name');
};

subtest 'folders' => sub {
    my @sockets = sockets($state);

    is_deeply([in_replica('map { names($_) } qw(/tmp /home /root /boot
        /home/app /var/openfaas/secrets)')],
        [[], ['app'], [], 'No such file or directory', [qw(eat.pl eval.pl)],
            []],
        'it has its own, and the function\'s');
    is_deeply([in_replica('map { put("$_/new", "x") } qw(/tmp /var/tmp /dev/shm
        /home/app . / /etc /home /var /proc /usr)')],
        [('written') x 3, ('Read-only file system') x 3, 'Permission denied',
        ('Read-only file system') x 2, 'No such file or directory',
        'Permission denied'], 'it writes to TMPDIR only');
    is_deeply([in_replica('names("/tmp")')], [['new']], 'where it stays');
    is_deeply([in_replica('map { names($_) } "/tmp", "/dev/shm"',
        $sockets[1])], [[], []], 'another replica does not see it');
    is_deeply([in_replica("names('$dir')")], ['No such file or directory'],
        'the state folder is not there');
    is((in_replica('-x "/usr/bin/perl" && -c "/dev/null"'))[0], 1,
        'programs and devices are');
    ok(!-e "$dir/new" && !-e "$images/eval/new" && !-e '/tmp/new',
        'the machine sees nothing of it');
};

subtest 'secrets' => sub {
    is(call(POST => '/system/secrets', { name => 'key', value => 'one' })
        ->{status}, 202, 'a secret');
    deploy('s', secrets => ['key']);
    wait_ready('s');

    is_deeply([in_replica('map { ($_->[2] & 0777, $_->[4] == $>) } [stat
        "/var/openfaas/secrets/key"]')], [0400, 1], 'is the replica\'s');
    is((in_replica('slurp("/var/openfaas/secrets/key")'))[0], 'one',
        'where OpenFaaS has it');
    is((in_replica('$ENV{FAAS_SECRETS_DIR}'))[0], '/var/openfaas/secrets',
        'and it is told so');
    is((in_replica('put("/var/openfaas/secrets/key", "x")'))[0],
        'Read-only file system', 'it cannot change it');
    is(call(PUT => '/system/secrets', { name => 'key', value => 'two' })
        ->{status}, 202, 'another value');
    is((in_replica('slurp("/var/openfaas/secrets/key")'))[0], 'two',
        'is seen at once');
    is_deeply([in_replica('names("/var/openfaas/secrets")', (sockets($state))
        [0])], [[]], 'and by no other function');
    is_removed('s');
};

subtest 'a root that is read-only' => sub {
    deploy('ro', readOnlyRootFilesystem => JSON::PP::true);
    wait_ready('ro');

    my @writable = in_replica(q{sort map { m{^(?:\S+ ){4}(\S+) rw\b} ? $1 : () }
        split /\n/, slurp('/proc/self/mountinfo')});
    is_deeply(\@writable, ['/dev/shm', '/tmp', '/var/tmp'],
        'all but TMPDIR');
    is((in_replica('put("/tmp/x", "y")'))[0], 'written', 'which it writes to');
    is_removed('ro');
};

subtest 'limits' => sub {
    deploy('mem', limits => { memory => '48Mi', cpu => '100m' });
    wait_ready('mem');

    my @mine = groups();
    # in version 2 of the interface one is for both
    is(scalar @mine, -e "$mine[0]/memory.max" ? 1 : 2, 'control groups');
    like((in_replica('my $x = "x" x (256 << 20); 1'))[0], qr/^500 .*killed/s,
        'who takes more memory than there is is killed');
    is((in_replica('7'))[0], 7, 'the replica goes on');

    in_replica('my $n = 0; $n++ while (times)[0] < 0.1; 1');
    my ($throttled) = map { /nr_throttled (\d+)/ }
        map { slurp("$_/cpu.stat") // () } @mine;
    cmp_ok($throttled, '>', 0, 'who takes more CPU has to wait');
    is_removed('mem');

    deploy('server', limits => { memory => '32Mi' }, envVars =>
        { mode => 'http', upstream_url => 'http://127.0.0.1:9' },
        envProcess => 'perl eat.pl');
    last_error('server', qr/ended, out of memory \(limit 32768 KiB\)/,
        'a server that is killed for it: the reason is told');
    is_removed('server');

    is((in_replica('my @all; while (defined(my $pid = fork)) {
        if (!$pid) { sleep; exit } push @all, $pid } kill KILL => @all;
        @all > 40 && @all < 64', (sockets($state))[0]))[0], 1,
        'processes have a limit');

    Faas::Proc::wait_quietly(sub { !groups() }, WAIT);
    is_deeply([groups()], [], 'no control group is left');
};

subtest 'an end to all of it' => sub {
    deploy('end');
    wait_ready('end');

    my ($pid) = in_replica(q{use POSIX; my $pid = fork; if (!$pid) {
        POSIX::setsid(); exit if fork; open STDIN, '<', '/dev/null';
        open STDOUT, '>', '/dev/null'; open STDERR, '>', '/dev/null';
        exec 'sleep', '4321' } waitpid $pid, 0; 1});
    my $sleeps = sub { grep { (slurp($_) // '') eq "sleep\0004321\0" }
        glob '/proc/[0-9]*/cmdline' };
    wait_for($sleeps, WAIT, 'a process that hides');
    is((in_replica(q{my $deep = 0; chdir '/tmp';
        while ($deep < 200) { mkdir 'x' x 200; chdir 'x' x 200; $deep++ }
        put('file', 'y'); mkdir '/tmp/closed'; put('/tmp/closed/file', 'x');
        symlink '/', '/tmp/link'; chmod 0, '/tmp/closed', '/tmp'; $deep}))[0],
        200, 'a folder that is deeper than a path is long');
    is_removed('end');
    Faas::Proc::wait_quietly(sub { !$sleeps->() }, WAIT);
    is(scalar $sleeps->(), 0, 'the process ends with the function');

    is_removed($_) for qw(a b);
    Faas::Proc::wait_quietly(sub { !left() }, WAIT);
    is_deeply([left()], [], 'no file is left');
};

subtest 'after a crash' => sub {
    deploy('c', limits => { memory => '64Mi' });
    wait_ready('c');
    deploy('gone', limits => { memory => '64Mi' });
    wait_ready('gone');

    my ($pid) = pids('c');
    my ($gone) = pids('gone');
    $scaler->crash;
    kill 'KILL', $gone;
    wait_for(sub { !alive($gone) }, WAIT, 'its end');
    ($scaler, $log) = start_as('first', []);
    wait_ready('c');
    wait_ready('gone');
    is_deeply([pids('c')], [$pid], 'replicas go on');
    isnt((pids('gone'))[0], $gone, 'or are made anew');
    is(scalar groups(), 2, 'with their control groups, and no other one');
    is_removed('gone');

    # what is isolated now is not then, and the other way round

    deploy('k', secrets => ['key']);
    wait_ready('k');

    for my $isolation (qw(off auto)) {
        ($pid) = pids('k');
        $scaler->crash;
        ($scaler, $log) = start_as('first', [],
            args => ['--isolation', $isolation]);
        wait_ready('k');
        is((pids('k'))[0], $pid, "isolation is $isolation now: it goes on");
        is(call(PUT => '/system/secrets', { name => 'key',
            value => $isolation })->{status}, 202, 'update of its secret');
        is((in_replica('slurp("$ENV{FAAS_SECRETS_DIR}/key")'))[0], $isolation,
            'which it can read');
        kill 'KILL', $pid;
        wait_for(sub { !alive($pid) && pids('k') }, WAIT, 'another one');
        wait_ready('k');
        is((in_replica('put("$ENV{TMPDIR}/x", "y")'))[0], 'written',
            'one that comes in its place works');
        like(slurp($log), qr/replica of another scaler ended, making another/,
            'it is another replica');
    }

    is_removed($_) for qw(c k);
    Faas::Proc::wait_quietly(sub { !groups() && !left() }, WAIT);
    is_deeply([groups(), left()], [], 'nothing is left');
};

sub pids {
    my ($name) = @_;

    return grep { (slurp("/proc/$_/environ") // '')
            =~ /(?:^|\0)FAAS_REPLICA=\Q$state\E#/
        && (slurp("/proc/$_/environ")) =~ /\0OPENFAAS_NAME=$name\0/
        && (slurp("/proc/$_/cmdline") // '') =~ /^faas-watchdog\0/ }
        map { m{(\d+)} } glob '/proc/[0-9]*';
}

subtest 'what cannot be' => sub {
    deploy('closed', image => 'closed');
    last_error('closed', qr/cannot read its folder.*chmod.*EACCES/,
        'a folder for its owner only: what to do is told');
    is_removed('closed');
};

is($scaler->stop, 0, 'the scaler ends');

subtest 'a state folder that is in sight' => sub {
    my $seen = "/var/lib/ft-$$";
    mkdir "/var/ft-$$";
    ($scaler, $log) = start_as('seen', [], state => $seen);
    rmdir "/var/ft-$$" or die "/var/ft-$$: $!\n";
    deploy('a');
    wait_ready('a');
    is_deeply([in_replica("names('/var/ft-$$')")], [[]],
        'a folder that has gone since is empty');
    is_deeply([in_replica("names('$seen')")], [[]], 'is seen to be empty');
    is((in_replica("put('$seen/x', 'y')"))[0], 'Read-only file system',
        'and stays so');
    is($scaler->stop, 0, 'end');
    File::Path::remove_tree($seen);
};

subtest 'without' => sub {
    ($scaler, $log) = start_as('off', [], args => ['--isolation', 'off']);
    like(slurp($log), qr/warn: isolation of functions isolation=none/,
        'off: it says so');
    deploy('a');
    wait_ready('a');
    is_deeply([in_replica('use Cwd; getcwd(), $>, $ENV{TMPDIR}')],
        ["$images/eval", 0, "$state/tmp/1"], 'all is as the machine has it');
    is((in_replica('field("NoNewPrivs")'))[0], 1, 'but no new privileges');
    is($scaler->stop, 0, 'end');

    my @weak = qw(setpriv --bounding-set -sys_admin);
    ($scaler, $log) = start_as('weak', \@weak);
    like(slurp($log), qr/cannot isolate by root error="cannot fork: /,
        'root without its powers: it says why');
    is($scaler->stop, 0, 'end');

    my @command = ($t->build . '/faas-scaler', '--listen', "$addr-2",
        '--state-dir', "$state-2", '--watchdog',
        $t->build . '/faas-watchdog', '--isolation');
    my $res = Faas::Proc::run_command([@weak, @command, 'required'],
        log => "$dir/must.log", env => Faas::Test::san_env());
    is($res->{status}, 1, 'required: it does not start');
    like($res->{output}, qr/--isolation required: cannot fork/,
        'and says why');
    $res = Faas::Proc::run_command([@command, 'yes'], log => "$dir/typo.log",
        env => Faas::Test::san_env());
    is($res->{status}, 2, 'a value that is none');
    like($res->{output}, qr/"yes" is none of auto, required, off/,
        'it says of what');
};

subtest 'a user namespace' => sub {
    my $home = "/tmp/fu-$$";
    make_path("$home/bin", "$home/eval");
    chmod 0755, $home;
    chown NOBODY, NOBODY, $home;
    system('cp', $t->build . "/$_", "$home/bin") for qw(faas-scaler
        faas-watchdog);
    system('cp', "$images/eval/eval.pl", "$home/eval");
    my @nobody = ('setpriv', '--reuid', NOBODY, '--regid', NOBODY,
        '--clear-groups');
    my %opt = (home => $home, build => "$home/bin", functions => $home);

    ($scaler, $log) = start_as('user', \@nobody, %opt);
    like(slurp($log), qr/isolation=user-namespace memory=rlimit cpu=none$/m,
        'what it can do, and what not');
    is(call(POST => '/system/secrets', { name => 'key', value => 'one' })
        ->{status}, 202, 'a secret');

    # address sanitizer takes terabytes, if of nothing
    my $mib = $t->is_sanitized ? 256 << 20 : 64;
    deploy('u', secrets => ['key'], limits => { memory => "${mib}Mi" },
        readOnlyRootFilesystem => JSON::PP::true);
    wait_ready('u');

    is_deeply([in_replica('map { field($_) } qw(Uid CapEff NoNewPrivs)')],
        [(join "\t", (NOBODY) x 4), '0' x 16, 1], 'the scaler\'s user');
    is_deeply([in_replica('map { names($_) } qw(/tmp /home /home/app),
        $ENV{FAAS_SECRETS_DIR}')], [[], ['app'], ['eval.pl'], ['key']],
        'folders of its own');
    is_deeply([in_replica("names('$home')")], ['No such file or directory'],
        'what the user has is not there');
    is_deeply([in_replica('map { put("$_/x", "y") } qw(/home/app / /home /tmp
        /var/openfaas/secrets)')], [('Read-only file system') x 3, 'written',
        'Read-only file system'], 'TMPDIR can be written to');
    is((in_replica('scalar grep { /^\d+$/ } @{names("/proc")}'))[0], 2,
        'it sees no other process');

    my ($pid) = pids('u');
    my $bytes = $mib << 20;
    like(slurp("/proc/$pid/limits"), qr/^Max data size +$bytes +$bytes /m,
        'memory has a limit');
    like((in_replica('my $x = "x" x (256 << 20); 1'))[0], $t->is_sanitized
        ? qr/^1$/ : qr/^500 /, 'which holds');
    $scaler->crash;
    ($scaler, $log) = start_as('user', \@nobody, %opt);
    wait_ready('u');
    is_deeply([pids('u')], [$pid], 'after a crash it goes on');
    is((in_replica('slurp("/var/openfaas/secrets/key")'))[0], 'one',
        'as before');
    is($scaler->stop, 0, 'end');
    is_deeply([left()], [], 'nothing is left');

    # 4 for the scaler and its threads, some more for replicas
    my $uid = UID - 1;
    chown $uid, $uid, $home;
    ($scaler, $log) = start_as('short', ['setpriv', '--reuid', $uid, '--regid',
        $uid, '--clear-groups', 'prlimit', '--nproc=16'], %opt);
    deploy('many', labels => { 'com.openfaas.scale.min' => '20' });
    last_error('many', qr/cannot fork: Resource temporarily unavailable/,
        'no more processes: it is said');
    is_removed('many');
    Faas::Proc::wait_quietly(sub { !left() }, WAIT);
    deploy('one');
    wait_ready('one');
    is((in_replica('7'))[0], 7, 'and nothing is wrong with what comes later');
    is($scaler->stop, 0, 'end');
    File::Path::remove_tree($home);
};

$t->finish;
