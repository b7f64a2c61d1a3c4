# SPDX-License-Identifier: BSD-2-Clause
#
# Processes of a test: each is started in its own process group with its
# output in a file, is known by its pid, and is gone when the test ends, in
# whatever way it ends.  The test is the reaper of all that its processes
# leave behind, so that a lost grandchild is found and reported.

package Faas::Proc;

use strict;
use warnings;

use Exporter qw(import);
use Fcntl qw(O_WRONLY O_CREAT O_APPEND);
use POSIX qw(:sys_wait_h SIGTERM);
use Time::HiRes qw(time sleep);

our @EXPORT_OK = qw(alive descendants fork_child orphans
    proc_state run_command slurp spawn stop_all tail wait_for);

use constant {
    PR_SET_PDEATHSIG        => 1,
    PR_SET_CHILD_SUBREAPER  => 36,
    STOP_TIMEOUT            => 15,      # seconds until KILL
    ORPHAN_TIMEOUT          => 5,       # seconds for grandchildren to end
    TEST_TIMEOUT            => 600,     # seconds, unless FAAS_TEST_TIMEOUT
};

my %prctl_number = (x86_64 => 157, aarch64 => 167, i686 => 172);

my $owner = $$;
my @procs;                              # in the order of their start


prctl(PR_SET_CHILD_SUBREAPER, 1);

for my $name (qw(INT TERM HUP)) {
    $SIG{$name} = sub {
        exit 1 if $$ == $owner;         # END cleans up
        POSIX::_exit(1);
    };
}

# a test that hangs fails, and its processes end as in any other case
$SIG{ALRM} = sub {
    print STDERR "# the test takes too long\n";
    exit 1;
};

alarm($ENV{FAAS_TEST_TIMEOUT} // TEST_TIMEOUT);


# Starts a program.  name, cmd => [...], log => FILE; env => {...} is added
# to the environment, where undef removes; dir => working directory.
sub spawn {
    my (%opt) = @_;

    return start(%opt, code => sub {
        my $env = $opt{env} // {};

        for my $key (keys %$env) {
            if (defined $env->{$key}) {
                $ENV{$key} = $env->{$key};
            } else {
                delete $ENV{$key};
            }
        }

        if (defined $opt{dir} && !chdir $opt{dir}) {
            print STDERR "cannot enter $opt{dir}: $!\n";
            POSIX::_exit(126);
        }

        { no warnings 'exec'; exec { $opt{cmd}[0] } @{ $opt{cmd} }; }

        print STDERR "cannot start $opt{cmd}[0]: $!\n";
        POSIX::_exit(127);
    });
}


# Starts Perl code in a process of its own: name, code, log.
sub fork_child {
    my (%opt) = @_;

    return start(log => '/dev/null', %opt);
}


sub start {
    my (%opt) = @_;

    my $pid = fork() // die "cannot fork: $!";

    if ($pid == 0) {
        child(%opt);
    }

    POSIX::setpgid($pid, $pid);     # the child does so too: first one wins

    my $self = bless { name => $opt{name}, pid => $pid, log => $opt{log},
        owner => $$ }, __PACKAGE__;

    push @procs, $self;

    return $self;
}


sub child {
    my (%opt) = @_;

    POSIX::setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);

    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE CHLD USR1 ALRM);

    my $in = POSIX::open('/dev/null', POSIX::O_RDONLY());
    my $out = POSIX::open($opt{log}, O_WRONLY | O_CREAT | O_APPEND, 0600);

    if (!defined $in || !defined $out) {
        POSIX::_exit(125);
    }

    POSIX::dup2($in, 0);
    POSIX::dup2($out, 1);
    POSIX::dup2($out, 2);

    for my $fd ($in, $out) {
        POSIX::close($fd) if $fd > 2;
    }

    STDOUT->autoflush(1);

    my $ok = eval { $opt{code}->(); 1 };
    print STDERR $@ if !$ok;
    POSIX::_exit($ok ? 0 : 1);
}


sub pid { return $_[0]{pid}; }

sub name { return $_[0]{name}; }

sub log_file { return $_[0]{log}; }


# Whether the process runs; once it has ended, its status is in
# $proc->status.
sub running {
    my ($self) = @_;

    return 0 if defined $self->{status};

    my $rc = waitpid($self->{pid}, WNOHANG);

    if ($rc == $self->{pid}) {
        $self->{status} = $?;
        return 0;
    }

    if ($rc == -1) {
        $self->{status} = 0;
        return 0;
    }

    return 1;
}


sub status { return $_[0]{status}; }


sub signal {
    my ($self, $sig) = @_;

    return 0 if !$self->running;

    push @{ $self->{signals} }, $sig;

    return kill $sig, $self->{pid};
}


# Ends the process: signal (TERM), after timeout seconds KILL.  Returns its
# wait status.  What is wrong is kept for problem().
sub stop {
    my ($self, %opt) = @_;

    my $sig = $opt{signal} // 'TERM';
    my $timeout = $opt{timeout} // STOP_TIMEOUT;

    if ($self->running) {
        $self->signal($sig);

        if (!wait_quietly(sub { !$self->running }, $timeout)) {
            $self->{problem} = "$self->{name} did not end within "
                . "$timeout s of SIG$sig";
            kill 'KILL', $self->{pid};
            wait_quietly(sub { !$self->running }, 10);
        }

    } elsif (!$opt{may_be_gone} && !$self->{signals}) {
        $self->{problem} = "$self->{name} had ended already, "
            . status_text($self->{status});
    }

    $self->check_status;
    @procs = grep { $_ != $self } @procs;

    if (!wait_quietly(sub { reap_group($self->{pid}) }, 2)) {
        $self->{problem} //= "$self->{name} left processes of its group";
        kill 'KILL', -$self->{pid};
        wait_quietly(sub { reap_group($self->{pid}) }, 2);
    }

    return $self->{status};
}


# Kills with SIGKILL, as a crash would; group => 1 its process group as well:
# workers of nginx outlive their master.
sub crash {
    my ($self, %opt) = @_;

    $self->signal('KILL');
    kill 'KILL', -$self->{pid} if $opt{group};

    if (!wait_quietly(sub { !$self->running }, 10)) {
        die "$self->{name} survives SIGKILL\n";
    }

    if ($opt{group}) {
        wait_quietly(sub { reap_group($self->{pid}) }, 10);
    }

    @procs = grep { $_ != $self } @procs;

    return;
}


# What went wrong with the process so far, or undef.
sub problem {
    my ($self) = @_;

    return $self->{problem};
}


sub check_status {
    my ($self) = @_;

    my $sig = ($self->{status} // 0) & 127;

    return if $sig == 0 || $self->{problem};

    for my $name (@{ $self->{signals} // [] }) {
        my $number = $name =~ /^\d+$/ ? $name : POSIX->can("SIG$name")->();

        return if $number == $sig;
    }

    $self->{problem} = "$self->{name} ended, " . status_text($self->{status});

    return;
}


sub status_text {
    my ($status) = @_;

    return 'by signal ' . ($status & 127) if $status & 127;
    return 'with exit status ' . ($status >> 8);
}


# Whether no process of the group is left; collects dead ones.
sub reap_group {
    my ($pgid) = @_;

    1 while waitpid(-$pgid, WNOHANG) > 0;

    return !kill 0, -$pgid;
}


# Stops all processes, the last started first.  Returns the list of what
# went wrong: processes that had died or had to be killed, and orphans.
sub stop_all {
    my @problems;

    # a copy: stop() takes it off the list
    for my $proc (reverse my @all = @procs) {
        $proc->stop;
        push @problems, $proc->problem if $proc->problem;
    }

    for my $orphan (orphans()) {
        push @problems, "left behind: $orphan->{text}";
        kill 'KILL', $orphan->{pid};
    }

    wait_quietly(sub { !grep { alive($_) } descendants($$) }, 2);

    return @problems;
}


# Descendants of this test that no one is responsible for, after they have
# had some time to end: ({ pid, text }, ...).
sub orphans {
    my @left;

    wait_quietly(sub {
        my %own = map { $_->{pid} => 1 } @procs;

        @left = grep { !$own{$_} && alive($_) } descendants($$);

        # what live processes have started is theirs
        my %theirs = map { $_ => 1 } map { descendants($_) } keys %own;
        @left = grep { !$theirs{$_} } @left;

        return !@left;
    }, ORPHAN_TIMEOUT);

    return map { { pid => $_, text => "$_ " . command_line($_) } } @left;
}


# Whether a process runs; a dead one that nobody has waited for does not.
sub alive {
    my ($pid) = @_;

    my $state = proc_state($pid);

    if ($state eq 'Z') {
        # an orphan's remains are ours to collect
        waitpid($pid, WNOHANG) if !grep { $_->{pid} == $pid } @procs;
        return 0;
    }

    return $state ne '';
}


# The state letter of /proc/PID/stat, empty where there is no such process.
sub proc_state {
    my ($pid) = @_;

    my ($state) = (slurp("/proc/$pid/stat") // '') =~ /\) (\S)/;

    return $state // '';
}


# All pids below pid in the tree of processes.
sub descendants {
    my ($root) = @_;

    my %children;

    for my $file (glob '/proc/[0-9]*/stat') {
        my $stat = slurp($file) // next;

        push @{ $children{$2} }, $1 if $stat =~ /^(\d+) .*\) \S (\d+)/s;
    }

    my @found;
    my @todo = ($root);

    while (@todo) {
        my @next = @{ $children{shift @todo} // [] };

        push @found, @next;
        push @todo, @next;
    }

    return @found;
}


sub command_line {
    my ($pid) = @_;

    my $text = slurp("/proc/$pid/cmdline") // '';

    return $text =~ tr/\0/ /r;
}


# Runs a command to its end: ({ status, output }); dies after timeout
# seconds.
sub run_command {
    my ($cmd, %opt) = @_;

    my $log = $opt{log} // die 'run_command() needs log';
    my $proc = spawn(name => $cmd->[0], cmd => $cmd, log => $log,
        env => $opt{env}, dir => $opt{dir});

    my $done = wait_quietly(sub { !$proc->running }, $opt{timeout} // 30);
    $proc->stop(may_be_gone => 1);

    die "$cmd->[0] takes too long\n" if !$done;

    my $output = slurp($log);
    unlink $log;

    return { status => $proc->status >> 8, signal => $proc->status & 127,
        output => $output };
}


# Calls code until it returns something true, which is returned; dies after
# so many seconds, saying what was waited for.
sub wait_for {
    my ($code, $seconds, $what) = @_;

    my $result = wait_quietly($code, $seconds);

    return $result if $result;

    my (undef, $file, $line) = caller;
    die 'no ' . ($what // 'result') . " within $seconds s"
        . " at $file line $line\n";
}


sub wait_quietly {
    my ($code, $seconds) = @_;

    my $deadline = time + $seconds;
    my $pause = 0.002;

    while (1) {
        my $is_last = time >= $deadline;
        my $result = $code->();

        return $result if $result;
        return if $is_last;

        sleep($pause);
        $pause *= 1.5 if $pause < 0.05;
    }
}


# The content of a file; undef where it cannot be read.
sub slurp {
    my ($file) = @_;

    open my $in, '<:raw', $file or return;
    local $/;
    my $text = <$in>;
    close $in;

    return $text // '';
}


# The last lines of a file.
sub tail {
    my ($file, $n) = @_;

    my @lines = split /^/, slurp($file) // '';
    @lines = @lines[-$n .. -1] if @lines > $n;

    return join '', @lines;
}


sub prctl {
    my ($option, $value) = @_;

    my $number = $prctl_number{(POSIX::uname())[4]};

    # without it a SIGKILLed test leaves processes; nothing else is lost
    syscall($number, $option, $value, 0, 0, 0) if defined $number;

    return;
}


END {
    if ($$ == $owner && (@procs || descendants($$))) {
        my $status = $?;
        my @problems = stop_all();

        print STDERR "# $_\n" for @problems;
        $? = $status || (@problems ? 1 : 0);
    }
}


1;
