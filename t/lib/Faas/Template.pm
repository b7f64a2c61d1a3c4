# SPDX-License-Identifier: BSD-2-Clause
#
# Functions of our templates: built by "faas build" in dir/work/build/NAME, and
# installed as the image NAME below dir/functions.

package Faas::Template;

use strict;
use warnings;

use Faas::Cli;
use File::Path qw(make_path);

use constant BUILD_TIMEOUT => 600;      # seconds


# Where images are installed; it is made.
sub functions {
    my ($t) = @_;

    make_path($t->dir . '/functions');

    return $t->dir . '/functions';
}


# Runs "faas" with these arguments, as Faas::Cli does.  Compilers may have
# something in the home of who runs the test, but leave nothing there.
sub faas {
    my ($t, $cli, $args, %opt) = @_;

    return $cli->run({ timeout => BUILD_TIMEOUT, env => {
        HOME => $ENV{HOME}, OPENFAAS_CONFIG => $cli->home . '/.openfaas',
        FAAS_TEMPLATES => $t->root . '/templates', FAAS_PROVIDER => 'process',
        FAAS_FUNCTIONS_DIR => functions($t), GOCACHE => $t->dir . '/go',
        %{ $opt{env} // {} } } }, @$args);
}


# Builds the function NAME of a handler's folder; image => its name, args =>
# [...] are further arguments, others as those of faas().  Returns the assembled
# folder; dies where that fails.
sub build {
    my ($t, $lang, $name, $handler, %opt) = @_;

    my $cli = Faas::Cli->new($t);
    my $res = faas($t, $cli, ['build', '--lang', $lang, '--name', $name,
        '--image', $opt{image} // $name, '--handler', $handler,
        @{ $opt{args} // [] }], %opt);

    die "build of $name: $res->{out}$res->{err}\n" if $res->{status};

    return $cli->dir . "/build/$name";
}


# Deploys an image as the function of its name.
sub deploy {
    my ($t, $name, %change) = @_;

    my $res = $t->admin(POST => '/system/functions', { service => $name,
        image => $name, %change });

    die "deploy of $name: $res->{status} $res->{body}\n"
        if $res->{status} != 202;

    $t->wait_available($name);

    return;
}


1;
