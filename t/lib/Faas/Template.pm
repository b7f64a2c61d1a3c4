# SPDX-License-Identifier: BSD-2-Clause
#
# Functions built from our templates by "faas build": assembled in
# dir/build/NAME, installed as the image NAME below dir/functions.

package Faas::Template;

use strict;
use warnings;

use Faas::Proc qw(run_command);
use File::Path qw(make_path);

use constant BUILD_TIMEOUT => 300;      # seconds


# What "faas" is told of a test's folders.
sub env {
    my ($t) = @_;

    make_path($t->dir . '/functions');

    return { FAAS_TEMPLATES => $t->root . '/templates',
        FAAS_FUNCTIONS_DIR => $t->dir . '/functions',
        FAAS_PROVIDER => 'process', OPENFAAS_CONFIG => $t->dir . '/openfaas',
        GOCACHE => $t->dir . '/go', OPENFAAS_URL => undef, NO_COLOR => 1 };
}


# Runs "faas" in dir; in => DIR in another folder, env => {...} is added to its
# environment.  Returns { status, output }.
sub faas {
    my ($t, $args, %opt) = @_;

    return run_command([$t->build . '/faas', @$args],
        dir => $opt{in} // $t->dir, env => { %{ env($t) },
        %{ $opt{env} // {} } }, timeout => BUILD_TIMEOUT,
        log => $t->dir . '/faas.out');
}


# Builds the function NAME of a handler's folder; options as those of faas().
# Returns the assembled folder; dies where that fails.
sub build {
    my ($t, $lang, $name, %opt) = @_;

    my $res = faas($t, ['build', '--lang', $lang, '--name', $name, '--image',
        $name, '--handler', $opt{handler}], %opt);

    die "build of $name: $res->{output}\n" if $res->{status};

    return $t->dir . "/build/$name";
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
