#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# If this fails, what is built is not what the template and the stack file say,
# or a stack file that faas-cli reads is read otherwise.  No gateway runs here:
# "docker" is a script that shows what it was asked for.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::MD5 qw(md5_hex);
use Faas::Cli;
use Faas::Test;
use JSON::PP;
use Test::More;
use YAML::PP;


my $t = Faas::Test->new(need => [qw(faas git)]);
my $cli = Faas::Cli->new($t, gateway => 'http://127.0.0.1:1');
my $bin = $t->dir . '/bin';

mkdir $bin;
mkdir $t->dir . '/functions';
$t->spew("$bin/docker", "#!/bin/sh\nfor a; do echo \"\$a\"; done\n"
    . "echo \"in \$(basename \$(pwd)) kit=\$DOCKER_BUILDKIT\"\n", 0755);

my %env = (PATH => "$bin:$ENV{PATH}", FAAS_TEMPLATES => $t->dir . '/none');
my @dir = ('--functions-dir', $t->dir . '/functions');

subtest 'processes' => sub {
    $cli->template('up');
    $cli->file('stack.yml', <<'END');
functions:
  a:
    lang: up
    handler: ./a
    image: host.example:5000/team/a:1.2
    build_args: {FROM_FILE: one}
  b: {lang: up, handler: ./a, image: b, skip_build: true}
configuration:
  copy: [common]
END
    $cli->file('a/handler.sh', "echo a\n");
    $cli->file('a/.secrets/x', "lost\n");
    $cli->file('a/build/x', "lost\n");
    $cli->file('a/sub/x', "kept\n", 0600);
    symlink 'sub/x', $cli->dir . '/a/link';
    $cli->file('common/lib.sh', "lib\n");
    $cli->file('more/m', "more\n");
    $cli->file('template/up/template.yml', <<'END');
fprocess: lost
build_options:
- name: dev
  packages: [z, a, m]
process:
  needs: [sh]
  build: |
    env | grep -E '^(FAAS_(FUN|HAN)|ADDI|FROM)' | sort > env.txt
    pwd >> env.txt
    chmod +x run
  fprocess: ./run
  mode: streaming
  environment:
    content_type: text/plain
END

    my $res = $cli->run({ env => \%env }, 'build', @dir, '-o', 'dev', '-b',
        'FROM_FLAG=two', '--copy-extra', 'more');

    is($res->{status}, 0, 'it is built') or diag($res->{err});
    like($res->{err}, qr/^\[1\/2\] built a in \d+\.\d s$/m, 'progress is told');
    like($res->{err}, qr/^b has skip_build, skipped$/m, 'skip_build holds');

    my $image = $t->dir . '/functions/host.example_5000/team/a/@1.2';

    is(slurp("$image/env.txt"), "ADDITIONAL_PACKAGE=a m z\n"
        . "FAAS_FUNCTION=a\nFAAS_HANDLER=function\nFROM_FILE=one\n"
        . "FROM_FLAG=two\n" . $cli->dir . "/build/a\n",
        'the build command has its environment, and runs in the folder');
    is(slurp("$image/function/handler.sh"), "echo a\n",
        'the handler goes over the sample');
    is(slurp("$image/function/link"), "kept\n", 'a link stays a link');
    is((stat "$image/function/sub/x")[2] & 0777, 0644,
        'files become readable');
    is((stat "$image/run")[2] & 0777, 0755, 'programs stay programs');
    ok(!-e "$image/function/$_/x", "$_ is left out") for qw(.secrets build);
    is(slurp("$image/function/common/lib.sh"), "lib\n", 'copy is copied');
    is(slurp("$image/function/more/m"), "more\n", 'and so is --copy-extra');
    is_deeply(decode_json(slurp("$image/image.json")), { env => {
        fprocess => './run', mode => 'streaming',
        content_type => 'text/plain' } }, 'image.json says what runs');

    my $first = readlink $image;
    $cli->must({ env => \%env }, 'build', @dir, '-o', 'dev', '--quiet');
    isnt(readlink $image, $first, 'a new build is another folder');
    ok(-e $t->dir . "/functions/host.example_5000/team/a/$first",
        'and the old one stays, for what runs');

    $cli->must({ env => \%env }, 'build', @dir, '-o', 'dev') for 1 .. 9;
    is(scalar(() = glob $t->dir . '/functions/host.example_5000/team/a/.1*'),
        8, 'but not all of them');

    $res = $cli->run({ env => \%env }, 'build', '-o', 'dev');
    is($res->{status}, 0, 'without a gateway it is built');
    like($res->{err}, qr/^warning: a is built in build\/a, and not installed/m,
        'and not installed, which is told');

    $cli->must({ env => \%env }, 'build', '-o', 'dev', '--shrinkwrap');
    ok(!-e $cli->dir . '/build/a/image.json', '--shrinkwrap only assembles');
};

subtest 'a failing build' => sub {
    $cli->template('bad', yml => "process:\n  build: echo out; exit 3\n"
        . "  fprocess: x\n");
    $cli->file('bad.yml', join '', "functions:\n", map { "  $_:\n    lang: $_"
        . "\n    handler: ./a\n    image: $_\n" } qw(bad up));

    my $res = $cli->run({ env => \%env }, 'build', '-f', 'bad.yml', @dir);
    is($res->{status}, 1, 'is an error');
    like($res->{err}, qr/^out\n.*build of bad: .* exit status 3/ms,
        'with its output');
    unlike($res->{err}, qr/building up/, 'that ends the others');

    $res = $cli->run({ env => \%env }, 'build', '-f', 'bad.yml', @dir,
        '--parallel', '4', '--disable-stack-pull');
    is($res->{status}, 1, 'in parallel as well');
    like($res->{err}, qr/built up in .*1 of 2 functions have failed/s,
        'but not the others');
    is($cli->run({ env => \%env }, 'build', '-f', 'bad.yml', @dir,
        '--filter', 'u*')->{status}, 0, 'a filter leaves it out');
    is($cli->run({ env => \%env }, 'build', '-f', 'bad.yml', @dir,
        '--regex', '^up$')->{status}, 0, 'an expression does so');
    is($cli->run({ env => \%env }, 'build', '-f', 'bad.yml', '--filter',
        'x*')->{status}, 1, 'none is an error');
    is($cli->run({ env => \%env }, 'build', 'up', '-f', 'bad.yml', @dir)
        ->{status}, 0, 'a name is enough');

    $cli->template('needy', yml => "process:\n  needs: [no-such-program]\n"
        . "  fprocess: x\n");
    $res = $cli->run({ env => \%env }, 'build', '--lang', 'needy',
        '--handler', './a', '--name', 'n', '--image', 'n', @dir);
    like($res->{err}, qr/needs the program no-such-program, which is not in/,
        'a missing program is named');
};

subtest 'templates of OpenFaaS' => sub {
    $cli->file('template/of/template.yml', "language: of\n"
        . "fprocess: python index.py\n");
    $cli->file('template/of/Dockerfile', "FROM x AS y\nENV lost=1\nFROM z\n"
        . "ENV mode=http fprocess=lost\nENV upstream_url http://127.0.0.1:5\n");
    $cli->file('template/of/function/h.py', "x\n");

    my $res = $cli->run({ env => \%env }, 'build', '--lang', 'of',
        '--handler', './a', '--name', 'of', '--image', 'of', @dir);
    is($res->{status}, 0, 'are built without Docker');
    like($res->{err}, qr/template of says nothing of processes/,
        'with a line that says what is not done');
    is_deeply(decode_json(slurp($t->dir
        . '/functions/of/@latest/image.json'))->{env}, { mode => 'http',
        fprocess => 'python index.py', upstream_url => 'http://127.0.0.1:5' },
        'and their Dockerfile holds');
};

subtest 'docker' => sub {
    my @swarm = ('--provider', 'swarm');
    my $res = $cli->run({ env => { %env, http_proxy => 'p' } }, 'build',
        @swarm, 'a', '-o', 'dev', '-b', 'X=1', '--build-label', 'l=v',
        '--no-cache', '--pull');

    is($res->{status}, 0, 'docker build');
    is($res->{err} =~ s/^\[.*\n//mgr, join("\n", qw(build --no-cache --pull
        --build-arg http_proxy=p --build-arg FROM_FILE=one --build-arg X=1
        --build-arg), 'ADDITIONAL_PACKAGE=a m z', qw(--label l=v --tag
        host.example:5000/team/a:1.2 .), 'in a kit=') . "\n",
        'has the arguments of faas-cli');

    $cli->file('secret.txt', 's');
    $cli->file('s.yml', "functions:\n  a:\n    lang: up\n    handler: ./a\n"
        . "    image: a\n    build_secrets: {id: secret.txt}\n");
    $res = $cli->run({ env => \%env }, 'build', @swarm, '-f', 's.yml',
        '-o', 'dev');
    like($res->{err}, qr/^--secret\nid=id,src=\Q$cli->{dir}\E\/secret\.txt$
        .*kit=1$/msx, 'secrets of a build want BuildKit');

    $res = $cli->run({ env => \%env }, 'push', @swarm, 'a');
    like($res->{err}, qr{^push\nhost.example:5000/team/a:1.2$}m,
        'docker push');
    $res = $cli->run({ env => \%env }, 'publish', @swarm, 'a', '-o', 'dev',
        '--platforms', 'linux/arm64', '--extra-tag', 'x');
    like($res->{err}, qr{^buildx\nbuild\n--push\n.*--platform\nlinux/arm64\n
        .*--tag\nhost.example:5000/team/a:x\n--tag\n}msx, 'docker buildx');

    $cli->file('dock/Dockerfile', "FROM scratch\n");
    $res = $cli->run({ env => \%env }, 'build', @swarm, '--lang',
        'dockerfile', '--handler', './dock', '--name', 'd', '--image', 'd');
    is($res->{status}, 0, 'a Dockerfile needs no template');
    ok(-e $cli->dir . '/build/d/Dockerfile', 'its folder is the context');
    like($cli->run({ env => \%env }, 'build', @dir, '--lang', 'dockerfile',
        '--handler', './dock', '--name', 'd', '--image', 'd')->{err},
        qr/is for Docker: build with --provider swarm/,
        'without Docker it needs an fprocess');

    $t->spew("$bin/docker", "#!/bin/sh\necho lots; exit 7\n", 0755);
    $res = $cli->run({ env => \%env }, 'build', @swarm, 'a', '-o', 'dev',
        '--quiet');
    is($res->{status}, 1, 'a failing docker is an error');
    like($res->{err}, qr/^lots$/m, 'whose output is shown');
};

subtest 'tags' => sub {
    $cli->dir('git');
    $cli->template('up');
    $cli->file('a/x', "x\n");
    $cli->file('a/y/z', "z\n");
    $cli->file('stack.yml', "functions:\n  a:\n    lang: up\n"
        . "    handler: ./a\n    image: r/a:1\n");

    my $tag = sub {
        my ($yml) = $cli->must({ env => \%env }, 'generate', '--tag', @_);
        return $yml =~ /image: "(.*)"/ ? $1 : undef;
    };

    is($tag->('latest'), 'r/a:1', 'latest');
    is($tag->('digest'), 'r/a:' . md5_hex(md5_hex("x\n") . md5_hex("z\n")),
        'digest');
    is($cli->run('generate', '--tag', 'sha')->{status}, 1,
        'outside of git it is an error');

    for my $args ([qw(init -q -b main)], [qw(add a)], [qw(-c user.name=a -c
        user.email=a@b commit -qm x)], [qw(tag v1)])
    {
        my $res = $t->run('git', '-C', $cli->dir, @$args);
        die $res->{output} if $res->{status};
    }

    my $sha = $t->run('git', '-C', $cli->dir, qw(rev-parse --short HEAD))
        ->{output};
    chomp $sha;
    is($tag->('sha'), "r/a:1-$sha", 'sha');
    is($tag->('branch'), "r/a:1-main-$sha", 'branch');
    is($tag->('describe'), 'r/a:1-v1', 'describe');
};

subtest 'templates from elsewhere' => sub {
    my $repo = $t->dir . '/repo';

    mkdir $repo;
    $cli->dir('repo');
    $cli->template('from-git');
    $cli->file('README', "x\n");

    for my $args ([qw(init -q -b main)], [qw(add -A)], [qw(-c user.name=a -c
        user.email=a@b commit -qm x)], [qw(tag v2)])
    {
        my $res = $t->run('git', '-C', $repo, @$args);
        die $res->{output} if $res->{status};
    }

    $cli->dir('pull');
    is($cli->must({ env => \%env }, 'template', 'pull', "$repo#v2"),
        "Fetched 1 template(s) into ./template\n", 'a repository');

    my $meta = decode_json(slurp($cli->dir
        . '/template/from-git/meta.json'));
    is($meta->{ref_name}, 'v2', 'meta.json says which');
    like($meta->{sha}, qr/^[0-9a-f]{40}$/, 'exactly');

    is($cli->run('template', 'pull', "$repo#nope")->{status}, 1,
        'a reference that is not there');
    is($cli->run('template', 'pull', '--', '--upload-pack=x')->{status}, 1,
        'a flag of git is no URL');

    $cli->file('store.json', encode_json([{ template => 'from-git', platform
        => 'x86_64', language => 'X', source => 's', description => 'd', repo
        => $repo, official => 'true', recommended => JSON::PP::true }]));
    like($cli->must(qw(template store list -u store.json)),
        qr/^from-git +X +d$/m, 'the store');
    like($cli->must(qw(template store describe from-git -u store.json)),
        qr/^Repository: +\Q$repo\E$/m, 'an entry');
    $cli->must(qw(template store pull from-git -u store.json));
    like($cli->run(qw(template store pull from-gti -u store.json))->{err},
        qr/no template "from-gti", but from-git/, 'one that is not there');

    $cli->file('stack.yml', "functions:\n  a:\n    lang: from-git\@v2\n"
        . "    handler: ./a\n    image: a\nconfiguration:\n  templates:\n"
        . "  - name: from-git\@v2\n    source: $repo\n");
    $cli->file('a/x', "x\n");
    $cli->must('build', @dir);
    ok(-e $cli->dir . '/template/from-git@v2/run',
        'a build pulls what the stack file names');
    $cli->must(qw(template pull stack));

    $cli->dir('offline');
    my $own = $t->dir . '/repo/template';
    is($cli->must({ env => { FAAS_TEMPLATES => $own } }, qw(template pull)),
        "Fetched 1 template(s) into ./template\n",
        'without a URL those that are installed');
    is($cli->must({ env => { FAAS_TEMPLATES => $own } }, 'template', 'list'),
        "from-git\n", 'which are listed');
};

subtest 'the store of functions' => sub {
    $cli->file('f.json', encode_json({ version => '0.2.0', functions => [{
        title => 'T', name => 'fig', description => 'D', images => {
        x86_64 => 'r/fig:1', arm64 => 'r/fig:a' }, fprocess => 'figlet',
        repo_url => 'u', labels => { l => 'v' } }] }));

    like($cli->must(qw(store list -u f.json -p arm64)), qr/^fig +D$/m,
        'a list');
    like($cli->must(qw(store inspect fig -u f.json)),
        qr/^Image: +arm64: r\/fig:a$/m, 'an entry');

    my $crd = YAML::PP->new->load_string($cli->must(qw(generate --from-store
        fig -u f.json --arch x86_64)));
    is($crd->{spec}{image}, 'r/fig:1', 'which can be generated from');
    is($crd->{spec}{handler}, 'figlet', 'with its process');
};

subtest 'generate' => sub {
    $cli->file('g.yml', <<'END');
functions:
  a:
    image: a:1
    fprocess: cat
    environment: {"a b": "c: d"}
    labels: {l: "1"}
    annotations: {topic: t}
    secrets: [s]
    constraints: ["node.role == worker"]
    limits: {memory: 64Mi, cpu: 100m}
    requests: {cpu: 1500m}
    readonly_root_filesystem: true
END
    my $load = sub {
        return YAML::PP->new->load_string($cli->must('generate', '-f',
            'g.yml', '--api', @_));
    };
    my $a = $load->('swarm')->{services}{a};

    is($a->{environment}{'a b'}, 'c: d', 'swarm: the environment');
    is($a->{deploy}{labels}{'com.openfaas.annotations.topic'}, 't',
        'swarm: annotations');
    is($a->{deploy}{resources}{limits}{cpus}, '0.100', 'swarm: limits');
    is($a->{deploy}{resources}{reservations}{cpus}, '1.500',
        'swarm: requests');
    is($a->{deploy}{resources}{limits}{memory}, '64M', 'swarm: memory');
    is($a->{secrets}[0]{target}, '/var/openfaas/secrets/s',
        'swarm: secrets');

    my ($deployment, $service) = YAML::PP->new->load_string(
        $cli->must(qw(generate -f g.yml --api kubernetes)));
    my $c = $deployment->{spec}{template}{spec}{containers}[0];
    is($c->{env}[0]{value}, 'cat', 'kubernetes: the process');
    is($c->{resources}{limits}{memory}, '64Mi', 'kubernetes: limits');
    is($c->{volumeMounts}[1]{mountPath}, '/var/openfaas/secrets',
        'kubernetes: secrets');
    is($service->{kind}, 'Service', 'kubernetes: a service');
    is($load->('serving.knative.dev/v1', '-n', 'x')->{metadata}{namespace},
        'x', 'knative');
    is($load->('openfaas.com/v1')->{spec}{annotations}{topic}, 't',
        'openfaas');
};

$t->finish;
