# SPDX-License-Identifier: BSD-2-Clause
#
# A terminal session that is written down in a page of docs/: the lines of its
# indented blocks that begin with "$ " are commands, what follows each up to
# the next one is what it prints.  It is run in a shell, with standard output
# and error in one.
#
# With FAAS_RECORD=1 what commands print is written into the page.

package Faas::Session;

use strict;
use warnings;

use Faas::Proc qw(run_command slurp);

use constant TIMEOUT => 300;    # seconds, of one command


# file is the page's.
sub new {
    my ($class, $file) = @_;

    my $text = slurp($file) // die "cannot read $file\n";
    my (@steps, $is_output);

    for my $line (split /\n/, $text) {
        if ($line =~ /^    \$ (.*)/) {
            push @steps, { command => $1, output => '' };
            $is_output = 1;
        } elsif ($is_output && $line =~ /^(?:    (.*)|)$/) {
            $steps[-1]{output} .= ($1 // '') . "\n";
        } else {
            $is_output = 0;
        }
    }

    return bless { file => $file, text => $text, steps => \@steps }, $class;
}


sub steps { return @{ $_[0]{steps} }; }


# Runs a command as a user would: cli is a Faas::Cli, replace => sub changes
# the command.  Returns { status, output }.
sub run {
    my ($self, $cli, $command, $env) = @_;

    my $t = $cli->{t};

    return run_command(['/bin/sh', '-c', "cd '$cli->{dir}'; $command"],
        log => $t->dir . '/session.out', timeout => TIMEOUT, env => {
            PATH => $t->build . ":$ENV{PATH}", HOME => $cli->home,
            OPENFAAS_URL => $cli->gateway, CI => undef, TERM => 'dumb',
            FAAS_PROVIDER => undef, %{ $env // {} } });
}


# The output with what differs from run to run taken out, and without empty
# lines at its end.
sub normal {
    my ($self, $text, $cli) = @_;

    $text =~ s/\Q@{[ $cli->gateway ]}\E/http:\/\/127.0.0.1:8080/g;
    $text =~ s/\d{4}-\d\d-\d\dT[\d:.]+Z/2026-01-01T00:00:00Z/g;
    $text =~ s{\d{4}/\d\d/\d\d \d\d:\d\d:\d\d}{2026/01/01 00:00:00}g;
    $text =~ s/\bin \d+\.\d s\b/in 0.1 s/g;
    $text =~ s/\d+\.\d{4,6}s\b/0.0100s/g;
    $text =~ s/(\t)\d+( +\t)/${1}1$2/g;
    $text =~ s/[ \t]+$//mg;
    $text =~ s/\n*\z/\n/;

    return $text =~ /\A\n*\z/ ? '' : $text;
}


# Writes what the steps have printed into the page.
sub record {
    my ($self) = @_;

    my @steps = @{ $self->{steps} };
    my ($is_output, @lines);

    for my $line (split /\n/, $self->{text}) {
        if ($line =~ /^    \$ /) {
            push @lines, $line;
            $is_output = 1;

            my $text = (shift @steps)->{printed} =~ s/\n*\z/\n/r;

            push @lines, map { $_ eq '' ? '' : "    $_" } split /\n/, $text
                if $text ne "\n";
        } elsif (!$is_output || $line !~ /^(?:    .*|)$/) {
            push @lines, '' if $is_output;
            push @lines, $line;
            $is_output = 0;
        }
    }

    open my $out, '>', $self->{file} or die "cannot write $self->{file}: $!\n";
    print {$out} map { "$_\n" } @lines;
    close $out or die "cannot write $self->{file}: $!\n";

    return;
}


1;
