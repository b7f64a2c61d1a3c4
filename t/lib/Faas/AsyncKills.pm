# SPDX-License-Identifier: BSD-2-Clause
#
# Asynchronous calls while parts are killed at random moments, and the account
# of them: each call that was answered 202 has run and has been called back,
# or is in the dead letters.
#
# A function is a watchdog's replica in front of a server of ours, which is
# the callback's as well.  It writes down each call's id before it answers,
# and now and then answers 503 or not at all.

package Faas::AsyncKills;

use strict;
use warnings;

use Faas::HTTP qw(listen_on);
use Faas::Proc qw(fork_child);
use Faas::Test;
use IO::Select;
use Test::More;
use Time::HiRes qw(sleep time);

use constant {
    CLIENTS => 12,
    WORKERS => 2,
    LEASE   => '3s',
    ENDED   => 180,         # seconds until all calls are over
    FAILING => 0.03,        # of the answers are 503
    SILENT  => 0.01,        # of the calls get none
};

my @redis = (persist => 1, args => ['--appendfsync', 'always']);


# Runs: seconds, rate (calls a second), seed.  Returns { accepted, refused,
# lost => [ids], duplicates, dead, kills => { NAME => number } }.
sub run {
    my ($class, $t, %opt) = @_;

    my $self = bless { t => $t, %opt, kills => {} }, $class;

    srand($opt{seed});
    $self->start;

    my $stop = "$t->{dir}/stop";
    $self->start_client($_, $stop) for 1 .. CLIENTS;

    my $deadline = time + $opt{seconds};

    while (time < $deadline) {
        # a part is killed in whatever it is doing by then
        sleep(0.2 + rand(1.5));
        $self->kill_one;
    }

    $t->spew($stop, '');
    wait_for(sub { !grep { !-e "$t->{dir}/client-$_.ids.done" } 1 .. CLIENTS },
        60, 'end of clients');
    wait_for(sub { calls($t) == 0 }, ENDED, 'the end of all calls');

    return $self->account;
}


sub start {
    my ($self) = @_;

    my $t = $self->{t};
    my $port = $t->free_port;

    $self->{sink} = "127.0.0.1:$port";
    $self->start_sink;

    mkdir "$t->{dir}/functions";
    mkdir "$t->{dir}/functions/sink";

    $t->start_redis(@redis);
    $self->start_scaler;
    $t->start_nginx(vars => { WORKERS => 2, LOG_LEVEL => 'notice',
        SERVER_EXTRA => 'access_log off;' });
    $t->deploy('wordcount', service => 'sink', image => 'sink',
        envProcess => '/bin/sleep 1000000',
        envVars => { mode => 'http', upstream_url => "http://$self->{sink}",
            'ready_path' => '/' });
    $self->start_worker($_) for 1 .. WORKERS;

    return;
}


sub start_scaler {
    my ($self) = @_;

    $self->{t}->start_scaler(functions => "$self->{t}{dir}/functions",
        args => ['--scale-by-load', 'false', '--isolation', 'off']);

    return;
}


sub start_worker {
    my ($self, $i) = @_;

    $self->{workers}[$i - 1] = $self->{t}->start_queue(name => "queue-$i",
        args => ['--lease', LEASE, '--callback-allow', '127.0.0.1',
            '--retry-attempts', '200', '--retry-max-wait', '1s',
            '--connect-timeout', '2s', '--redis-timeout', '2s',
            '--log-level', 'error']);

    return;
}


# Something dies, is gone for a moment, and starts again.
sub kill_one {
    my ($self) = @_;

    my $t = $self->{t};
    my @parts = qw(worker worker gateway gateway scaler redis);
    my $part = $parts[rand @parts];

    $self->{kills}{$part}++;

    if ($part eq 'worker') {
        my $i = 1 + int(rand WORKERS);

        $self->{workers}[$i - 1]->crash;
        away(1);
        $self->start_worker($i);

    } elsif ($part eq 'gateway') {
        $t->nginx->proc->crash(group => 1);
        away(0.5);
        $t->nginx->start;

    } elsif ($part eq 'scaler') {
        $t->scaler->crash;
        away(1);
        $self->start_scaler;

    } else {
        $t->redis_proc->crash;
        away(1);
        $t->start_redis(@redis);
    }

    return;
}


# How long a part is gone is up to chance, as is when: that is what is tested.
sub away {
    my ($most) = @_;

    return sleep(rand $most);
}


sub calls {
    my ($t) = @_;

    return eval { $t->redis(HGET => 'faas:async:totals', 'calls') // 0 } // -1;
}


# A client that sends its part of the calls, each when it is due; ids of those
# accepted go to a file.
sub start_client {
    my ($self, $i, $stop) = @_;

    my $t = $self->{t};
    my $every = CLIENTS / $self->{rate};

    return fork_child(name => "client $i", log => "$t->{dir}/client-$i.log",
        code => sub { $self->client("$t->{dir}/client-$i.ids", $every,
            $stop) });
}


sub client {
    my ($self, $file, $every, $stop) = @_;

    my $conn;
    my $due = time;
    my %headers = ('x-callback-url' => "http://$self->{sink}/callback");

    open my $out, '>', $file or die "$file: $!\n";
    $out->autoflush(1);

    until (-e $stop) {
        $due += $every;
        $due = time if $due < time - 1;
        sleep($due - time) if $due > time;

        $conn //= eval { Faas::HTTP->new($self->{t}->addr, timeout => 10) };

        my $res = $conn && $conn->request(POST => '/async-function/sink',
            { %headers }, 'x' x 100);

        if ($res && $res->{status} == 202) {
            print {$out} "$res->{headers}{'x-call-id'}\n";

        } else {
            print {$out} "-\n";
            undef $conn;
            sleep(0.05);        # a gateway that is away refuses at once
        }
    }

    $self->{t}->spew("$file.done", '');
    sleep(60) while 1;          # until it is ended with all others
}


sub start_sink {
    my ($self) = @_;

    my $listener = listen_on($self->{sink});
    my $file = "$self->{t}{dir}/sink.ids";

    $self->{sink_proc} = fork_child(name => 'sink',
        log => "$self->{t}{dir}/sink.log",
        code => sub { sink($listener, $file) });
    close $listener;

    return;
}


# Writes "PATH STATUS ID" of each request, before it answers.
sub sink {
    my ($listener, $file) = @_;

    my $select = IO::Select->new($listener);
    my %in;

    local $SIG{PIPE} = 'IGNORE';
    open my $out, '>', $file or die "$file: $!\n";
    $out->autoflush(1);

    while (1) {
        for my $sock ($select->can_read(10)) {
            if ($sock == $listener) {
                my $new = $listener->accept or next;
                $select->add($new);
                $in{$new} = '';
                next;
            }

            if (!sysread($sock, $in{$sock}, 65536, length $in{$sock})
                || !answer($sock, \$in{$sock}, $out))
            {
                $select->remove($sock);
                delete $in{$sock};
                close $sock;
            }
        }
    }
}


# All requests that are whole; false where the connection is to end.
sub answer {
    my ($sock, $in, $out) = @_;

    while ($$in =~ /\A(?:\w+) (\S+) .*?\r\n\r\n/s) {
        my ($path, $head) = ($1, substr $$in, 0, $+[0]);
        my ($length) = $head =~ /^content-length: *(\d+)/mi;
        my ($id) = $head =~ /^x-call-id: *(\S+)/mi;
        my $chunked = $head =~ /^transfer-encoding:/mi;

        return 1 if length $$in < length($head) + ($length // 0);
        return 1 if $chunked && $$in !~ /\r\n0\r\n\r\n/;

        $$in = $chunked ? '' : substr $$in, length($head) + ($length // 0);

        my $chance = defined $id ? rand : 1;
        my $status = $chance < SILENT ? 0
            : $chance < SILENT + FAILING ? 503 : 200;

        syswrite $out, "$path $status $id\n" if defined $id;
        return 0 if $status == 0;

        syswrite $sock, "HTTP/1.1 $status Status\r\nContent-Length: 3\r\n"
            . "\r\nok\n";
    }

    return 1;
}


sub account {
    my ($self) = @_;

    my $t = $self->{t};
    my (%ran, %back, %dead);
    my @ids = map { split /\n/, slurp("$t->{dir}/client-$_.ids") // '' }
        1 .. CLIENTS;

    for (split /\n/, slurp("$t->{dir}/sink.ids") // '') {
        my ($path, $status, $id) = split / /;

        next if $status != 200;
        ($path eq '/callback' ? \%back : \%ran)->{$id}++;
    }

    $dead{ $_->[1][1] } = 1
        for @{ $t->redis(XRANGE => 'faas:async:dead', '-', '+') };

    my @accepted = grep { $_ ne '-' } @ids;
    my @lost = grep { !$dead{$_} && !($ran{$_} && $back{$_}) } @accepted;
    my $again = 0;

    $again += ($ran{$_} // 1) - 1 for @accepted;

    return { accepted => scalar @accepted, refused => @ids - @accepted,
        lost => \@lost, duplicates => $again, dead => scalar keys %dead,
        kills => $self->{kills} };
}


1;
