# SPDX-License-Identifier: BSD-2-Clause
#
# A program in ui/test that drives a browser, and the stack that it drives it
# against.  It talks over a unix socket, a line at a time: what it has found
# ("ok NAME", "not ok NAME", "# TEXT", "figure NAME VALUE"), and what it wants
# of the stack ("do COMMAND ARGUMENTS"), which is answered with a line when it
# is done.

package Faas::Portal;

use strict;
use warnings;

use Faas::Proc qw(spawn wait_for);
use Faas::Test;
use File::Path qw(make_path);
use IO::Socket::UNIX;
use JSON::PP;

use constant {
    CONNECT => 60,          # seconds until the program has begun
    NEEDS   => [qw(module nginx redis-server scaler watchdog samples
        ./faas-queue ./ui/index.html node chromium)],
};


# A test or benchmark that needs what the portal does.
sub new {
    my ($class) = @_;

    my $t = Faas::Test->new(need => NEEDS);
    my $self = bless { t => $t, functions => $t->dir . '/functions',
        loads => [] }, $class;

    $self->make_images;
    $t->start_stack(scaler => { functions => $self->{functions} });

    return $self;
}


sub test { return $_[0]{t}; }


# The samples, and scripts from ui/test/functions: an image of each.
sub make_images {
    my ($self) = @_;

    my $t = $self->{t};
    my $own = $t->root . '/ui/test/functions';

    make_path($self->{functions});
    system('cp', '-R', glob($t->build . '/samples/*'), $self->{functions});

    for my $script (glob "$own/*.sh") {
        my ($name) = $script =~ m{([^/]+)\.sh$};

        make_path("$self->{functions}/$name");
        system('cp', $script, "$self->{functions}/$name/run");
    }

    return;
}


# So many functions without a replica.
sub deploy_many {
    my ($self, $n) = @_;

    for my $i (1 .. $n) {
        my $res = $self->{t}->scaler_api(POST => '/system/functions',
            { service => sprintf('many-%04d', $i), image => 'wordcount',
            envProcess => './wordcount', labels => {
            'com.openfaas.scale.min' => '0' } });

        die "$res->{status} $res->{body}" if $res->{status} != 202;
    }

    return;
}


sub deploy {
    my ($self, $json) = @_;

    my $spec = decode_json($json);
    my $res = $self->{t}->admin(POST => '/system/functions', $spec);

    die "$res->{status} $res->{body}" if $res->{status} != 202;

    $self->{t}->wait_available("$spec->{service}."
        . ($spec->{namespace} // 'openfaas-fn'));

    return;
}


# What the program may ask for.
my %commands = (
    deploy          => \&deploy,
    'deploy-many'   => \&deploy_many,
    'stop-gateway'  => sub { $_[0]{t}->nginx->stop },
    'start-gateway' => sub { $_[0]{t}->nginx->start },

    # it takes connections still, and says nothing
    'freeze-gateway' => sub { kill STOP => $_[0]{t}->nginx->workers },
    'thaw-gateway'   => sub { kill CONT => $_[0]{t}->nginx->workers },

    # NAME CLIENTS: they call the function again and again
    load => sub {
        my ($self, $text) = @_;
        my ($name, $clients) = split ' ', $text;

        push @{ $self->{loads} }, $self->{t}->start_load(
            path => "/function/$name", clients => $clients,
            check => sub { return });
    },

    unload => sub { $_->finish for splice @{ $_[0]{loads} } },

    # nginx reads it with each request
    password => sub {
        my ($self, $name) = @_;

        my $t = $self->{t};

        return $t->htpasswd if $name eq 'old';
        $t->spew($t->dir . '/htpasswd', "admin:{PLAIN}$name\n");
    },

    # a file in an image, which a function waits for
    gate => sub {
        my ($self, $path) = @_;

        $self->{t}->spew("$self->{functions}/$path", '', 0644);
    },
);


# Runs ui/test/NAME with these variables; tell(LINE) gets what it has found.
# Returns whether it has ended well.
sub run {
    my ($self, $name, $tell, %env) = @_;

    my $t = $self->{t};
    my $path = $t->dir . '/portal.sock';
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 1)
        or die "cannot listen at $path: $!\n";

    my $program = spawn(name => $name, log => $t->dir . "/$name.log",
        cmd => ['node', $t->root . "/ui/test/$name"],
        env => { FAAS_CONTROL => $path, FAAS_URL => 'http://' . $t->addr,
            FAAS_USER => Faas::Admin::USER,
            FAAS_PASSWORD => Faas::Admin::PASSWORD, %env });

    $listener->timeout(CONNECT);
    my $connection = $listener->accept
        or die "$name does not begin: " . slurp($program->log_file) . "\n";

    while (my $line = <$connection>) {
        chomp $line;

        if ($line =~ /^do (\S+) ?(.*)/) {
            my $command = $commands{$1} // die "no command $1\n";

            $self->$command($2);
            print {$connection} "done\n";
        } else {
            $tell->($line);
        }
    }

    close $connection;
    close $listener;
    unlink $path;
    wait_for(sub { !$program->running }, CONNECT, "end of $name");
    $program->stop(may_be_gone => 1);
    $t->add_problem($program->problem);

    return $program->status == 0;
}


1;
