# SPDX-License-Identifier: BSD-2-Clause
#
# Functions built from our templates, as docs/templates.md has it: the folder
# is assembled in dir/build/NAME, and installed as the image NAME below
# dir/functions.

package Faas::Template;

use strict;
use warnings;

use Faas::Proc qw(run_command slurp);
use File::Path qw(make_path);
use JSON::PP;
use YAML::PP;

use constant BUILD_TIMEOUT => 300;      # seconds

my %left_out = map { $_ => 1 } qw(build template .secrets);


# What a template needs that is not there.
sub missing {
    my ($t, $lang) = @_;

    return grep { !defined Faas::Test::which($_) }
        @{ template($t, $lang)->{process}{needs} // [] };
}


sub template {
    my ($t, $lang) = @_;

    return YAML::PP->new->load_file($t->root
        . "/templates/$lang/template.yml");
}


# Builds the function NAME with the handler's folder over the template's own
# sample.  env => {...} is added to the build's environment; undef removes.
# Returns the assembled folder; dies where that fails.
sub build {
    my ($t, $lang, $name, %opt) = @_;

    my $yml = template($t, $lang);
    my $process = $yml->{process};
    my $dir = $t->dir . "/build/$name";
    my $handler = "$dir/" . ($yml->{handler_folder} // 'function');

    make_path($t->dir . '/build', $t->dir . '/functions');
    run($t, 'cp', '-R', $t->root . "/templates/$lang", $dir);

    if (defined $opt{handler}) {
        for my $file (glob "$opt{handler}/{*,.[!.]*}") {
            next if $left_out{ $file =~ s{.*/}{}r };
            run($t, 'cp', '-R', $file, "$handler/");
        }
    }

    run_in($t, $dir, { FAAS_FUNCTION => $name, FAAS_HANDLER => $handler,
        ADDITIONAL_PACKAGE => '', %{ $opt{env} // {} } }, '/bin/sh', '-e',
        '-c', $process->{build}) if defined $process->{build};

    write_image($t, $dir, $process);
    run($t, 'cp', '-R', $dir, $t->dir . "/functions/$name");
    run($t, 'chmod', '-R', 'o+rX', $t->dir . "/functions/$name");

    return $dir;
}


# What the build command has written goes over what the template says.
sub write_image {
    my ($t, $dir, $process) = @_;

    my $text = slurp("$dir/image.json");
    my $own = defined $text ? decode_json($text) : {};

    $own->{env} = { fprocess => $process->{fprocess},
        mode => $process->{mode} // 'classic',
        %{ $process->{environment} // {} }, %{ $own->{env} // {} } };

    return $t->spew("$dir/image.json", JSON::PP->new->canonical->encode($own));
}


sub run {
    my ($t, @cmd) = @_;

    return run_in($t, $t->dir, {}, @cmd);
}


sub run_in {
    my ($t, $dir, $env, @cmd) = @_;

    my $res = run_command(\@cmd, dir => $dir, env => $env,
        timeout => BUILD_TIMEOUT, log => $t->dir . '/build.log');

    die "@cmd: status $res->{status}\n$res->{output}\n"
        if $res->{status} || $res->{signal};

    return $res->{output};
}


1;
