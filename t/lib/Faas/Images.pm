# SPDX-License-Identifier: BSD-2-Clause
#
# The project's images in a test's Docker engine.  Building them takes minutes,
# so they are kept in FAAS_TEST_CACHE (/var/cache/ngx_faas-tests), by a hash of
# all that they are built from: a test after the first loads them.  What
# Debian's packages bring is kept apart, for the next change of the source.

package Faas::Images;

use strict;
use warnings;

use Digest::SHA;
use Faas::Proc qw(run_command slurp);
use Fcntl qw(:flock);
use File::Find;

use constant {
    NAMES         => 'ngx-faas',
    VERSION       => '0.1.0',
    PACKAGES_LAST => 'function-node',   # the last stage of packages
    BUILD_TIMEOUT => 1800,              # seconds
    KEEP          => 2,                 # archives of each kind
    TARGETS       => [qw(watchdog gateway socket-proxy scaler queue redis
        env fail wordcount hello-python hello-node scaler-process)],
};

my $cache = $ENV{FAAS_TEST_CACHE} // '/var/cache/ngx_faas-tests';


# Puts all images on the manager, and on the other nodes where there are some.
sub load {
    my ($class, $test, $docker) = @_;

    my $self = bless { test => $test, docker => $docker,
        root => $test->root }, $class;

    $self->{revision} = $self->revision;

    my $file = "$cache/images-" . $self->source_hash . '.tar';

    open my $lock, '>', "$cache/lock-images"
        or die "cannot write $cache/lock-images: $!\n";
    flock $lock, LOCK_EX or die "cannot lock $cache/lock-images: $!\n";

    if (-e $file) {
        $docker->step('load images', sub { $self->load_file($file) });
    } else {
        $self->load_packages;
        $docker->step('build images', sub { $self->build });
        $docker->step('save images', sub { $self->save($file, 'images',
            map { $self->name($_) } @{ +TARGETS }) });
    }

    close $lock;
    $docker->spread(map { $self->name($_) } @{ +TARGETS });

    return $self;
}


sub name { return NAMES . "/$_[1]:" . VERSION; }


# What the watchdog of "make build" says of itself, so that both are the same.
sub revision {
    my ($self) = @_;

    my $res = run_command(["$self->{root}/build/faas-watchdog", '--version'],
        log => $self->{test}->dir . '/revision.log');

    return $res->{output} =~ /SHA: (\S+)/ ? $1 : 'unknown';
}


# Builds targets, all by default; further arguments of docker build by env.
sub build {
    my ($self, @targets) = @_;

    my $res = run_command(["$self->{root}/docker/build", @targets],
        timeout => BUILD_TIMEOUT, log => $self->{test}->dir . '/images.log',
        env => { DOCKER_HOST => $self->{docker}->address,
            DOCKER_BUILDKIT => 0, FAAS_IMAGES => undef,
            FAAS_VERSION => undef, FAAS_BASE => undef, FAAS_PACKAGES => '',
            FAAS_REVISION => $self->{revision} });

    die "docker/build: $res->{output}\n" if $res->{status};

    return;
}


# What the images are built from, as .dockerignore has it.
sub source_hash {
    my ($self) = @_;

    my $sha = Digest::SHA->new(256);
    my @files = grep { -f } map { "$self->{root}/$_" } qw(LICENSE Makefile
        config .dockerignore);

    find({ no_chdir => 1, wanted => sub { push @files, $_ if -f && !-l } },
        grep { -d } map { "$self->{root}/$_" } qw(build/ui conf daemon
        docker lib ngx_faas_module queue samples scaler scripts watchdog));

    for my $file (sort grep { !m{/docker/(?:secrets/|.*\.yml$)} } @files) {
        $sha->add("$file\0", (stat $file)[2] & 0111, slurp($file));
    }

    $sha->add($self->{revision}, $self->packages_hash);

    return substr $sha->hexdigest, 0, 16;
}


# What the stages of packages are made from.
sub packages_hash {
    my ($self) = @_;

    my ($stages) = slurp("$self->{root}/docker/Dockerfile")
        =~ /\A(.*)^# source:/ms or die "no stages of packages\n";
    my @base = stat "$cache/bookworm.tar";

    return substr Digest::SHA::sha256_hex($stages,
        slurp("$self->{root}/docker/install"), "@base[7, 9]"), 0, 16;
}


# An archive of all intermediate images has which comes from which, and so the
# builder finds its steps done.
sub load_packages {
    my ($self) = @_;

    my $docker = $self->{docker};
    my $file = "$cache/packages-" . $self->packages_hash . '.tar';

    if (-e $file) {
        $docker->step('load packages', sub { $self->load_file($file) });
        return;
    }

    $docker->step('install packages', sub {
        $docker->run(BUILD_TIMEOUT, 'env', 'DOCKER_BUILDKIT=0', 'docker', '-H',
            $docker->address, 'build', '-q', '-f',
            "$self->{root}/docker/Dockerfile", '--target', PACKAGES_LAST,
            $self->{root});
    });

    $docker->step('save packages', sub {
        $self->save($file, 'packages', Faas::Docker::BASE,
            split /\n/, $docker->docker(qw(images -aq --no-trunc)));
    });

    return;
}


sub load_file {
    my ($self, $file) = @_;

    utime undef, undef, $file;
    $self->{docker}->docker('load', '-q', '-i', $file);

    return;
}


# Writes an archive, and removes those that were not used for longest.
sub save {
    my ($self, $file, $kind, @images) = @_;

    $self->{docker}->docker('save', '-o', "$file.new", @images);
    rename "$file.new", $file or die "cannot rename $file.new: $!\n";

    my @old = sort { -M $a <=> -M $b } glob "$cache/$kind-*.tar";

    unlink splice @old, KEEP if @old > KEEP;

    return;
}


1;
