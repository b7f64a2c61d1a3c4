# SPDX-License-Identifier: BSD-2-Clause
#
# The command line as a user has it: the real program with a home, a folder to
# work in, and the test's gateway.

package Faas::Cli;

use strict;
use warnings;

use Cwd qw(abs_path);
use Faas::Admin;
use Faas::Proc qw(run_command slurp);

use constant TIMEOUT => 120;    # seconds, of one command


# t is a Faas::Test.  gateway => URL (that of its nginx, where it has one).
sub new {
    my ($class, $t, %opt) = @_;

    my $self = bless { t => $t, home => $t->dir . '/home',
        dir => $t->dir . '/work', gateway => $opt{gateway}
            // ($t->nginx ? 'http://' . $t->addr : undef) }, $class;

    mkdir $self->{home};
    mkdir $self->{dir};

    return $self;
}


sub program { return $_[0]{t}->build . '/faas'; }

sub home { return $_[0]{home}; }

# The folder that commands run in; with an argument another one, which is made.
sub dir {
    my ($self, $name) = @_;

    if (defined $name) {
        $self->{dir} = $self->{t}->dir . "/$name";
        mkdir $self->{dir};
    }

    return $self->{dir};
}


sub gateway { return $_[0]{gateway}; }


# Runs it with these arguments: { status, out, err }.  A reference to a hash
# in front has more: in => standard input, env => {...}, out => file in the
# place of standard output, program => another one, timeout => seconds.
sub run {
    my ($self, @args) = @_;

    my $opt = ref $args[0] ? shift @args : {};
    my $t = $self->{t};
    my ($in, $err) = map { $t->dir . "/cli.$_" } qw(in err);
    my $log = $t->dir . '/cli.out';

    $t->spew($in, $opt->{in} // '');

    my $res = run_command(['/bin/sh', '-c',
        'in=$1 out=$2 err=$3; shift 3; exec "$@" < "$in" > "$out" 2> "$err"',
        'sh', $in, $opt->{out} // "$log.1", $err,
        $opt->{program} // $self->program, @args],
        log => $log, dir => $self->{dir},
        timeout => $opt->{timeout} // TIMEOUT,
        env => { HOME => $self->{home}, OPENFAAS_URL => $self->{gateway},
            FAAS_PROVIDER => undef, FAAS_FUNCTIONS_DIR => undef,
            OPENFAAS_PREFIX => undef, OPENFAAS_CONFIG => undef,
            OPENFAAS_TEMPLATE_URL => undef, CI => undef, TERM => 'dumb',
            %{ Faas::Test::san_env() }, %{ $opt->{env} // {} } });

    return { status => $res->{status}, signal => $res->{signal},
        out => defined $opt->{out} ? '' : slurp("$log.1"),
        err => slurp($err) };
}


# The same, and dies unless it ends with 0; returns its output.
sub must {
    my ($self, @args) = @_;

    my $res = $self->run(@args);

    die "faas @args: status $res->{status}\n$res->{out}$res->{err}"
        if $res->{status} != 0;

    return $res->{out};
}


# Saves the test's password.
sub login {
    my ($self) = @_;

    return $self->must({ in => Faas::Admin::PASSWORD . "\n" }, 'login',
        '--password-stdin');
}


# A file in the working folder; folders above it are made.
sub file {
    my ($self, $name, $text, $mode) = @_;

    my $path = $self->{dir};

    for my $part (split m{/}, $name) {
        mkdir $path;
        $path .= "/$part";
    }

    return $self->{t}->spew($path, $text, $mode);
}


# A template in ./template: the handler is a script, what it prints goes
# through tr.
sub template {
    my ($self, $name, %opt) = @_;

    $self->file("template/$name/template.yml", $opt{yml} // "language: $name\n"
        . "fprocess: ./run\nprocess:\n  fprocess: ./run\n"
        . "  mode: streaming\n  build: chmod +x run\n");
    $self->file("template/$name/run",
        "#!/bin/sh\nsh function/handler.sh | tr a-z A-Z\n");
    $self->file("template/$name/Dockerfile", "FROM scratch\n");
    $self->file("template/$name/function/handler.sh", "cat\n");

    return;
}


1;
